import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { GroupRate } from '../../src/cli/lag-text.ts'
import { consumerGroups } from '../../src/domain/consumer-groups.ts'
import { anEvent, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { runCommand } from '../support/command-run.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

let pipeline: Pipeline

before(async () => {
  pipeline = await startPipeline()
  await insertCatalogue(pipeline.database)
  await insertPerson(pipeline.database, { userId: 1 })
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

async function lags(): Promise<GroupRate[]> {
  const { code, stdout, stderr } = await runCommand(pipeline, ['lag', '--over', '1s', '--json'])
  assert.equal(code, 0, stderr)
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as GroupRate)
}

describe('fanfare lag', () => {
  test('knows the lag of a group that nobody has ever been a member of', async () => {
    await pipeline.request(...Array.from({ length: 7 }, () => anEvent({ userId: 1, channels: ['sms'] })))
    const all = await lags()
    const expected = consumerGroups(pipeline.topics).flatMap(({ group, topics }) =>
      topics.map((topic) => [group, topic]),
    )
    assert.deepEqual(
      all.map(({ group, topic }) => [group, topic]),
      expected,
    )
    const router = all.find(({ group }) => group === pipeline.topics.group('router', 'transactional'))
    assert.deepEqual(
      [router?.lag, router?.ratePerSecond, router?.secondsToDrain, router?.members, router?.unowned],
      [7, 0, null, [], 12],
    )
    const { stdout } = await runCommand(pipeline, ['lag', '--over', '1s'])
    assert.match(stdout, /fanfare\.router\.transactional +\S+ +7 +0 +stands +nobody +Dead/)
  })

  test('finds every group of a Fanfare that runs, drained and with all of its partitions owned', async () => {
    await pipeline.start(['all'])
    await pipeline.untilSettled()
    await eventually(async () => {
      const behind = (await lags()).filter(({ lag }) => lag > 0)
      return behind.length === 0 ? undefined : `${behind.map(({ group }) => group).join()} have lag`
    })
    for (const { group, topic, state, secondsToDrain, members, unowned } of await lags()) {
      assert.deepEqual({ state, secondsToDrain, unowned }, { state: 'Stable', secondsToDrain: 0, unowned: 0 }, topic)
      assert.equal(members.length, 1, group)
      assert.match(members[0]?.clientId ?? '', /^fanfare-all/)
    }
  })

  test('shows the rate while records are worked, once in each round', async () => {
    const events = Array.from({ length: 300 }, () => anEvent({ userId: 1, channels: ['sms'] }))
    const watching = runCommand(pipeline, ['lag', '--watch', '--over', '2s'], { terminateAt: /(group +topic[^]*){2}/ })
    const flowing = (async () => {
      for (let from = 0; from < events.length; from += 10) await pipeline.request(...events.slice(from, from + 10))
    })()
    const [{ code, stdout, stderr }] = await Promise.all([watching, flowing])
    assert.equal(code, 0, stderr)
    assert.ok(stdout.split('to drain').length >= 3, stdout)
  })

  test('refuses a span that is none', async () => {
    const { code, stderr } = await runCommand(pipeline, ['lag', '--over', '0s'])
    assert.equal(code, 64)
    assert.match(stderr, /from 1s to 1h/)
  })
})
