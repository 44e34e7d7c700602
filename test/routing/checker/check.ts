/**
 * The judgement, pure: observations in, report out. Each question has a file of its own, and none of them takes Fanfare's
 * word for what people chose, what time it was on their wall, or how many they had had.
 */
import { findCapped } from './capped.ts'
import { findDecided } from './decided.ts'
import { index } from './evidence.ts'
import type { Observations } from './observations.ts'
import { findReached } from './reached.ts'
import type { Report, Violation } from './report.ts'
import { findTold } from './told.ts'
import { findWithheld } from './withheld.ts'
import { findWritten } from './written.ts'

/** Of each rule; the number of all is in the report anyway. */
const detailsPerRuleMax = 10

export function check(observations: Observations): Report {
  const evidence = index(observations)
  const violations: Violation[] = [
    ...findReached(evidence),
    ...findCapped(evidence),
    ...findWritten(evidence),
    ...findWithheld(evidence),
    ...findDecided(evidence),
    ...findTold(evidence),
  ]
  const byRule = Map.groupBy(violations, ({ rule }) => rule)
  return {
    events: evidence.cases.length,
    deliveries: observations.deliveries.length,
    calls: observations.calls.length,
    rules: Object.fromEntries([...byRule].map(([rule, broken]) => [rule, broken.length])),
    details: [...byRule.values()].flatMap((broken) => broken.slice(0, detailsPerRuleMax)),
  }
}
