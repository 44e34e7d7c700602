import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { configurationVariables } from '../../src/config.ts'
import { lanes } from '../../src/domain/channel.ts'
import { drawBurst, plotFile } from '../scaling/burst-plot.ts'
import {
  calmPerSecond,
  longestWaitLimitSeconds,
  replayArrivals,
  replayBurst,
  senderRule,
} from '../scaling/burst-replay.ts'
import { readBurst } from '../scaling/burst-recording.ts'
import { longestWaitSeconds, turns, waitedLonger, type Moment } from '../scaling/replay.ts'
import { latencyObjectives } from '../../src/telemetry/delivery-metrics.ts'
import { kubectlMissing } from '../support/deployment/overlays.ts'

const secondsOfDay = 86_400

const changes = (moments: readonly Moment[]) =>
  moments.filter(({ wanted }, index) => index > 0 && wanted !== moments[index - 1]?.wanted).length

describe('a recorded burst of ten times the usual load', { skip: kubectlMissing }, () => {
  const { arrivalsPerSecond, memberPerSecond } = readBurst()
  const third = arrivalsPerSecond.length / 3
  const mean = (from: number) => arrivalsPerSecond.slice(from, from + third).reduce((sum, count) => sum + count) / third

  test('is ten times the load before it, and more than the least members can do', () => {
    assert.ok(mean(third) / mean(0) > 9)
    for (const lane of lanes) assert.ok(mean(third) > memberPerSecond * senderRule(lane).minMembers)
  })

  for (const lane of lanes) {
    test(`drains in time in the ${lane} lane, which gives its members back one by one`, () => {
      const rule = senderRule(lane)
      const moments = replayBurst(rule)
      assert.ok(longestWaitSeconds(moments) <= longestWaitLimitSeconds[lane], `${longestWaitSeconds(moments)} s`)
      assert.equal(turns(moments), 1)
      assert.equal(moments.at(-1)?.wanted, rule.minMembers)
      for (const [index, { wanted }] of moments.entries()) assert.ok(wanted >= (moments[index - 1]?.wanted ?? 0) - 1)
    })
  }

  test('leaves the day on which it comes within the objective of either lane', () => {
    for (const lane of lanes) {
      const { seconds, ratio } = latencyObjectives[lane]
      const late = waitedLonger(replayBurst(senderRule(lane)), seconds)
      const ofTheDay = secondsOfDay * calmPerSecond() + third * (mean(third) - mean(0))
      assert.ok(late <= (1 - ratio) * ofTheDay, `${lane}: ${late} of ${ofTheDay}`)
    }
  })

  test('would not drain in time without anybody who scales', () => {
    const { minMembers, ...rule } = senderRule('transactional')
    const moments = replayBurst({ ...rule, minMembers, maxMembers: minMembers })
    assert.ok(longestWaitSeconds(moments) > longestWaitLimitSeconds.transactional, `${longestWaitSeconds(moments)} s`)
  })

  test('is drawn in docs/ as it is replayed', () => {
    assert.equal(readFileSync(plotFile, 'utf8'), drawBurst(), 'run: node test/scaling/burst-plot.ts')
  })
})

/** Two hours each: from what the least members can do to what all of them can. */
describe('a load that stays', { skip: kubectlMissing }, () => {
  const shares = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
  const calm = Array.from({ length: 600 }, () => 60)
  const steady = (lane: (typeof lanes)[number], share: number) => {
    const perSecond = Math.round(share * senderRule(lane).maxMembers * readBurst().memberPerSecond)
    return [...calm, ...Array.from({ length: 7_200 }, () => perSecond)]
  }

  for (const lane of lanes) {
    test(`finds its number of members in the ${lane} lane and keeps it`, () => {
      for (const share of shares) {
        const moments = replayArrivals(senderRule(lane), steady(lane, share))
        assert.ok(turns(moments) <= 1, `${share}: turned ${turns(moments)} times`)
        assert.ok(
          longestWaitSeconds(moments) <= longestWaitLimitSeconds[lane],
          `${share}: ${longestWaitSeconds(moments)} s`,
        )
      }
    })
  }

  test('would lose members and get them back, over and over, without the trigger that keeps who is at work', () => {
    const rule = { ...senderRule('transactional'), busy: null }
    const moments = replayArrivals(rule, steady('transactional', 0.6))
    assert.ok(turns(moments) > 5)
    assert.ok(changes(moments) > 15)
  })

  test('would swing without the windows in which the HPA waits', () => {
    const rule = senderRule('transactional')
    const hasty = {
      ...rule,
      busy: null,
      up: { windowSeconds: 0, percent: 900, periodSeconds: 15 },
      down: { windowSeconds: 0, members: 12, periodSeconds: 15 },
    }
    assert.ok(turns(replayArrivals(hasty, steady('transactional', 0.6))) > 50)
  })
})

test('the calls that the replay gives a member are those of the configuration', () => {
  const concurrency = configurationVariables.find(({ name }) => name === 'FANFARE_SENDER_CONCURRENCY')
  assert.equal(concurrency?.default, '100')
})
