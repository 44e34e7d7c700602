/**
 * Stuck: what has not come to an end when nothing is left to wait for.
 */
import type { Evidence } from './evidence.ts'
import type { Violation } from './report.ts'
import { isFinal, nameOf } from './words.ts'

/** A deferral may be picked up a little after its time. */
const pickUpGraceMs = 60_000

export function findStuck(evidence: Evidence): Violation[] {
  const { deliveries, notifications, scheduled, positions, schedule } = evidence
  const stuck = (rule: string, subject: string): Violation => ({ kind: 'stuck', rule, subject })
  const waiting = new Set(scheduled.map(nameOf))
  return [
    ...deliveries
      .filter((row) => !isFinal(row))
      .map((row) => stuck('a delivery without an end', `${row.deliveryId} ${row.state}`)),
    ...deliveries
      .filter((row) => row.state === 'unknown' && row.unknownPolicy !== 'hold')
      .map((row) => stuck('held although the policy is to send again', row.deliveryId)),
    ...notifications
      .filter((row) => row.decision === 'deferred' && !waiting.has(nameOf(row)))
      .map((row) => stuck('deferred, and nothing brings it back', nameOf(row))),
    ...scheduled
      .filter(({ dueAt }) => dueAt + pickUpGraceMs < schedule.endedAtMs)
      .map((row) => stuck('due, and not picked up', nameOf(row))),
    ...positions.flatMap(({ group, topic, partition, committed, low, high }) => {
      const position = committed > low ? committed : low
      return position < high ? [stuck('records that no member settled', `${group} ${topic}[${partition}]`)] : []
    }),
  ]
}
