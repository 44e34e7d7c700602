import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationText, groupRates, lagTable } from '../../../src/cli/lag-text.ts'
import type { GroupLag } from '../../../src/kafka/group-lag.ts'

const member = { clientId: 'fanfare-router', host: '/10.0.0.1', partitions: [0, 1] }

function aLag(given: Partial<GroupLag> = {}): GroupLag {
  return {
    group: 'group',
    topic: 'topic',
    state: 'Stable',
    lag: 0,
    committed: 0,
    members: [member],
    unowned: 0,
    ...given,
  }
}

/** Two looks ten seconds apart. */
function rateOf(before: Partial<GroupLag>, now: Partial<GroupLag>) {
  const [rate] = groupRates({ atMs: 5_000, lags: [aLag(before)] }, { atMs: 15_000, lags: [aLag(now)] })
  return [rate?.ratePerSecond, rate?.secondsToDrain]
}

test('the rate is what was committed between two looks', () => {
  assert.deepEqual(rateOf({ committed: 1_000 }, { committed: 1_250, lag: 500 }), [25, 20])
  assert.deepEqual(rateOf({ committed: 1_000 }, { committed: 1_250 }), [25, 0])
})

test('a slow rate is told with what it means, however it is rounded', () => {
  assert.deepEqual(rateOf({ committed: 0 }, { committed: 1, lag: 10 }), [0.1, 100])
})

test('lag of which nothing was committed never drains, and a group that was rewound has not worked', () => {
  assert.deepEqual(rateOf({ committed: 1_000 }, { committed: 1_000, lag: 1 }), [0, null])
  assert.deepEqual(rateOf({ committed: 1_000 }, { committed: 0, lag: 1_000 }), [0, null])
})

test('a table says who stands, who drains, and what nobody owns', () => {
  const [before, now] = [0, 60].map((committed) => [
    aLag({ group: 'drains', committed, lag: 450 }),
    aLag({ group: 'stands', lag: 3 }),
    aLag({ group: 'done' }),
    aLag({ group: 'left', state: 'Empty', members: [], unowned: 12, lag: 12_345 }),
    aLag({ group: 'partly', unowned: 3 }),
  ])
  assert.equal(
    lagTable(groupRates({ atMs: 0, lags: before ?? [] }, { atMs: 10_000, lags: now ?? [] })),
    `  group   topic     lag  per second  to drain  members                         state
  drains  topic     450           6    1m 15s        1                        Stable
  stands  topic       3           0    stands        1                        Stable
  done    topic       0           0         -        1                        Stable
  left    topic  12,345           0    stands   nobody                         Empty
  partly  topic       0           0         -        1  Stable, 3 partitions unowned
`,
  )
})

test('durations are short', () => {
  assert.deepEqual([0, 59, 60, 3_599, 7_260].map(durationText), ['-', '59s', '1m 0s', '59m 59s', '2h 1m'])
})
