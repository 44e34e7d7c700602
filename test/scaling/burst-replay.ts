/**
 * The recorded burst as it is replayed: by the rule that is deployed in production, under assumptions that are worse
 * than what was recorded.
 */
import { renderOverlay } from '../support/deployment/overlays.ts'
import type { Lane } from '../../src/domain/channel.ts'
import { readBurst } from './burst-recording.ts'
import { replay, type Moment } from './replay.ts'
import { scalingRuleOf, type ScalingRule } from './scaling-rule.ts'

/** The longest that anybody may wait in a burst of ten times the usual load: docs/operations.md promises it. */
export const longestWaitLimitSeconds: Readonly<Record<Lane, number>> = { transactional: 120, bulk: 900 }

/** A pod on a node that has the image: scheduled, started, joined. */
const startSeconds = 20
/** A group that stands still for so long with each change of members; recorded was less than a second. */
const rebalanceSeconds = 5
/** FANFARE_SENDER_CONCURRENCY, by which the recording's sender worked, too. */
const concurrency = 100

const calmBeforeSeconds = 300
const calmAfterSeconds = 2_100

export function senderRule(lane: Lane): ScalingRule {
  const name = `sender-sms-${lane}`
  const found = renderOverlay('production').find(
    ({ kind, metadata }) => kind === 'ScaledObject' && metadata.name === name,
  )
  if (found === undefined) throw new Error(`there is no ScaledObject ${name}`)
  return scalingRuleOf(found)
}

export function replayArrivals(rule: ScalingRule, arrivalsPerSecond: readonly number[]): Moment[] {
  const memberPerSecond = readBurst().memberPerSecond
  return replay({ rule, arrivalsPerSecond, memberPerSecond, startSeconds, rebalanceSeconds, concurrency })
}

/** The burst is the middle third of the recording. */
export function calmPerSecond(): number {
  const { arrivalsPerSecond } = readBurst()
  const calm = arrivalsPerSecond.slice(0, arrivalsPerSecond.length / 3)
  return Math.round(calm.reduce((sum, count) => sum + count, 0) / calm.length)
}

export function replayBurst(rule: ScalingRule): Moment[] {
  const { arrivalsPerSecond } = readBurst()
  const mean = calmPerSecond()
  const calmFor = (seconds: number) => Array.from({ length: seconds }, () => mean)
  return replayArrivals(rule, [...calmFor(calmBeforeSeconds), ...arrivalsPerSecond, ...calmFor(calmAfterSeconds)])
}
