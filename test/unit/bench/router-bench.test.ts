import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { inRotation, spreadOf } from '../../../bench/rounds.ts'
import { differences, expectedOutcome } from '../../../bench/router/outcome.ts'
import { eventsOf } from '../../../bench/router/workload.ts'
import { readSourceTree } from '../house-rules/source-tree.ts'

const nowMs = Date.UTC(2026, 10, 23, 10)

describe('the events of the router’s bench', () => {
  const events = eventsOf(5_000, nowMs)
  const expected = expectedOutcome(events)

  test('are the same again, and of every kind', () => {
    assert.deepEqual(expectedOutcome(eventsOf(5_000, nowMs)), expected)
    assert.deepEqual(Object.keys(expected.log).toSorted(), [
      'deferred/over_cap',
      'deferred/quiet_hours',
      'deferred/send_at',
      'failed/unknown_user',
      'routed',
      'suppressed/no_address',
    ])
    assert.ok(Object.values(expected.log).every((count) => count >= 20))
    for (const words of ['duplicate/repeated_id', 'suppressed/opted_out', 'suppressed/address_suppressed']) {
      assert.ok((expected.statuses[words] ?? 0) >= 20, words)
    }
  })

  test('come each to one row of the log, or are told as duplicates', () => {
    const rows = Object.values(expected.log).reduce((sum, count) => sum + count, 0)
    assert.equal(rows + (expected.statuses['duplicate/repeated_id'] ?? 0), events.length)
    const commands = Object.values(expected.commands).reduce((sum, count) => sum + count, 0)
    assert.equal(commands, expected.deliveries)
  })

  test('that came to something else are told, whatever differs', () => {
    assert.deepEqual(differences(expected, structuredClone(expected)), [])
    const found = structuredClone(expected)
    found.commands['email'] = (found.commands['email'] ?? 0) - 1
    found.log['deferred/nonsense'] = 2
    found.scheduled += 1
    assert.deepEqual(differences(expected, found), [
      'log deferred/nonsense: 0 expected, 2 found',
      `commands email: ${expected.commands['email']} expected, ${found.commands['email']} found`,
      `scheduled: ${expected.scheduled} expected, ${found.scheduled} found`,
    ])
  })
})

describe('the copy that the router is held against', () => {
  test('loads kafkajs as it comes, and nothing of ours', () => {
    const [copy] = readSourceTree(join(import.meta.dirname, '../../..'), 'bench/router').filter(({ path }) =>
      path.endsWith('/copy.ts'),
    )
    assert.deepEqual(
      copy?.imports.map(({ target }) => target),
      ['kafkajs'],
    )
  })
})

describe('rounds', () => {
  test('begin with each variant in turn', async () => {
    const order: string[] = []
    const results = await inRotation(['a', 'b', 'c'], 3, async (variant, round) => {
      order.push(variant)
      return `${variant}${round}`
    })
    assert.equal(order.join(''), 'abcbcacab')
    assert.deepEqual(results, { a: ['a0', 'a1', 'a2'], b: ['b0', 'b1', 'b2'], c: ['c0', 'c1', 'c2'] })
  })

  test('come to their median between their extremes', () => {
    assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3 })
    assert.deepEqual(spreadOf([4, 1]), { median: 2.5, min: 1, max: 4 })
  })
})
