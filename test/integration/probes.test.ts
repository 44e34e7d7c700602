import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { anEvent, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import type { RoleProcess } from '../support/role-process.ts'

/** As the kubelet asks, but without a pause: what turns for a moment only is seen too. */
function watchProbes(role: RoleProcess) {
  const bad: string[] = []
  let answers = 0
  let watching = true
  const watched = watch()

  async function watch(): Promise<void> {
    while (watching) {
      for (const path of ['/livez', '/readyz'] as const) {
        const { status, body } = await role.admin(path)
        answers += 1
        if (status !== 200) bad.push(`${path} ${status} ${body}`)
      }
      await turn()
    }
  }

  return {
    end: async (): Promise<{ bad: readonly string[]; answers: number }> => {
      watching = false
      await watched
      return { bad, answers }
    },
  }
}

/** So many that their keys reach the partitions of every member. */
const people = Array.from({ length: 48 }, (_, index) => index + 1)

const rebalancesOf = async (role: RoleProcess): Promise<number> => {
  const { body } = await role.admin('/metrics')
  return Number(/^fanfare_consumer_rebalances_total\{.*\} (\d+)$/m.exec(body)?.[1] ?? 0)
}

describe('the probes of a role', () => {
  let pipeline: Pipeline

  before(async () => {
    pipeline = await startPipeline()
    await insertCatalogue(pipeline.database)
    for (const userId of people) await insertPerson(pipeline.database, { userId })
  })
  after(() => pipeline.stop())

  for (const command of [
    ['router', '--lane', 'transactional'],
    ['sender', '--channel', 'sms', '--lane', 'transactional'],
  ]) {
    test(`stay good while members of its group come, go and are killed: ${command[0]}`, async () => {
      const staying = await pipeline.start(command)
      const before = await rebalancesOf(staying)
      const probes = watchProbes(staying)
      const coming = await pipeline.start(command)
      await coming.stop()
      const killed = await pipeline.start(command)
      await killed.kill()
      // Settled by whoever has the partitions of the one that was killed, once its session is over.
      await pipeline.request(...people.map((userId) => anEvent({ userId, channels: ['sms'] })))
      await (command[0] === 'router' ? pipeline.untilRouted() : pipeline.untilSettled())
      const { bad, answers } = await probes.end()
      assert.deepEqual(bad, [])
      assert.ok(answers > 100)
      // One joins, one leaves, one joins, and its partitions are taken over: the second and third may be one on a fast day.
      assert.ok((await rebalancesOf(staying)) >= before + 3, 'the group did not rebalance as often as it was to')
    })
  }
})
