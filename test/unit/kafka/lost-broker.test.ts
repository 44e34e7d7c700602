import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { leaveLostBrokers, type PatchedFetching, type PatchedPool } from '../../../src/kafka/lost-broker.ts'
import type { PatchedConnection } from '../../../src/kafka/one-socket.ts'

const requestOf = (apiName: string) => ({ request: { apiName } })
const metadata = requestOf('Metadata')
const named = (name: string) => Object.assign(new Error(name), { name })
const timedOut = named('KafkaJSRequestTimeoutError')
const closed = named('KafkaJSConnectionClosedError')
const notConnected = named('KafkaJSConnectionError')

/** A connected connection, as far as it matters here. */
function aConnection() {
  const state = { connected: true, destroyed: false, rejected: [] as Error[] }
  const connection = {
    host: 'broker-2',
    port: 9092,
    socket: { destroy: () => void (state.destroyed = true) },
    isConnected: () => state.connected,
    connect: async () => (state.connected = true),
    disconnect: async () => (state.connected = false),
    rejectRequests: (error: Error) => void state.rejected.push(error),
    // The rest is for one-socket.ts.
  } as unknown as PatchedConnection
  return { connection, state }
}

/** Everything that is mended. @param failure how every request ends. */
function aClient(failure = timedOut) {
  const ours = [aConnection(), aConnection()] as const
  const clock = { now: 0, stalled: false }
  const pool: PatchedPool = {
    host: 'broker-2',
    port: 9092,
    pool: ours.map(({ connection }) => connection),
    send: () => Promise.reject(failure),
  }
  const group: PatchedFetching = {
    cluster: { brokerPool: { metadataExpireAt: 4_102_444_800_000 } },
    recoverFromFetch: (error) => Promise.reject(error),
  }
  leaveLostBrokers({
    connection: ours[0].connection,
    pool,
    group,
    connectionClosed: () => closed,
    notConnected: () => notConnected,
    clock: () => clock.now,
    stalled: () => clock.stalled,
  })
  return { ours, connection: ours[0].connection, pool, group, clock }
}

describe('a broker that takes requests and answers none', () => {
  test('is left after one time-out: all of its connections close, and their requests fail as after a close', async () => {
    const { ours, pool } = aClient()
    await assert.rejects(pool.send(metadata), closed)
    for (const { state } of ours) {
      assert.deepEqual([state.connected, state.destroyed, state.rejected], [false, true, [closed]])
    }
  })

  test('is not connected to again for a while, although it would take the connection', async () => {
    const { connection, pool, clock } = aClient()
    await assert.rejects(pool.send(metadata), closed)
    await assert.rejects(connection.connect(), notConnected)
    clock.now = 9_999
    await assert.rejects(connection.connect(), notConnected)
    clock.now = 10_000
    await connection.connect()
    assert.equal(connection.isConnected(), true)
  })

  test('is not avoided for what it answers only once other members are ready', async () => {
    for (const apiName of ['JoinGroup', 'SyncGroup']) {
      const { connection, pool } = aClient()
      await assert.rejects(pool.send(requestOf(apiName)), closed)
      await connection.connect()
    }
  })

  test('is not avoided where it was this process that stood still', async () => {
    const { connection, pool, clock } = aClient()
    clock.stalled = true
    await assert.rejects(pool.send(metadata), closed)
    await connection.connect()
  })

  test('is avoided alone', async () => {
    const { connection, pool } = aClient()
    await assert.rejects(pool.send(metadata), closed)
    await connection.connect.call({ ...connection, host: 'broker-3' })
  })

  test('counts as one that was not reached where it does not answer the first request, so that another is tried', async () => {
    await assert.rejects(aClient().pool.send(requestOf('ApiVersions')), notConnected)
  })

  test('is told from one that answers with an error', async () => {
    const failure = new Error('the group rebalances')
    const { ours, pool } = aClient(failure)
    await assert.rejects(pool.send(metadata), failure)
    assert.deepEqual([ours[0].state.connected, ours[0].state.destroyed], [true, false])
  })
})

test('a consumer asks anew who leads before it fetches again from a broker that it did not reach', async () => {
  const { group } = aClient()
  await assert.rejects(group.recoverFromFetch(new Error('something else')))
  assert.notEqual(group.cluster.brokerPool.metadataExpireAt, null)
  await assert.rejects(group.recoverFromFetch(notConnected), notConnected)
  assert.equal(group.cluster.brokerPool.metadataExpireAt, null)
})
