import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connectRedis, untilRedisReady } from '../../src/redis/connection.ts'
import { startTcpProxy } from '../faults/proxy/tcp-proxy.ts'
import { eventually } from '../support/eventually.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

/** Longer than a command is waited for. */
const stillMs = 800

describe('a connection to Redis', () => {
  test('takes an answer that came while the process stood still for an answer', async () => {
    const redis = connectRedis({ url: readStackEnvironment().redisUrl, lost: () => {} })
    try {
      assert.ok(await untilRedisReady(redis, 5_000))
      const asked = [redis.ping(), redis.ping()]
      standStill()
      assert.deepEqual(await Promise.all(asked), ['PONG', 'PONG'])
    } finally {
      redis.disconnect()
    }
  })

  test('gives up on whoever takes the question and never answers, and is asked again', async () => {
    const proxy = await startTcpProxy({ random: () => 0.5 })
    const { hostname, port } = new URL(readStackEnvironment().redisUrl)
    proxy.aim({ host: hostname, port: Number(port) })
    const redis = connectRedis({ url: `redis://127.0.0.1:${proxy.port}`, lost: () => {} })
    try {
      assert.ok(await untilRedisReady(redis, 5_000))
      await proxy.break('blackhole')
      const startedMs = performance.now()
      await assert.rejects(redis.ping(), { name: 'CommandTimedOut' })
      const elapsedMs = performance.now() - startedMs
      assert.ok(elapsedMs > 400 && elapsedMs < 3_000, `${elapsedMs} ms`)
      await proxy.heal()
      await eventually(async () => {
        const answer = await redis.ping().catch((error: Error) => error.message)
        return answer === 'PONG' ? undefined : answer
      }, 10_000)
    } finally {
      redis.disconnect()
      await proxy.close()
    }
  })
})

function standStill(): void {
  const untilMs = performance.now() + stillMs
  while (performance.now() < untilMs);
}
