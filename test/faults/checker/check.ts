/**
 * The judgement, pure: observations in, report out. Each question has a file of its own; none of them trusts what
 * another part of Fanfare says without a second witness.
 */
import { findOverCap } from './capped.ts'
import { findMischarged } from './charged.ts'
import { findContradictions } from './contradictory.ts'
import { countDuplicates } from './duplicated.ts'
import { findEarly } from './early.ts'
import { index, type Evidence } from './evidence.ts'
import { findLost } from './lost.ts'
import type { Observations } from './observations.ts'
import type { Report, Violation, ViolationKind } from './report.ts'
import { findMisreported } from './reported.ts'
import { findStuck } from './stuck.ts'
import { nameOf } from './words.ts'

/** Of each rule; the number of all is in the report anyway. */
const detailsPerRuleMax = 10

export function check(observations: Observations): Report {
  const evidence = index(observations)
  const duplicates = countDuplicates(evidence)
  const violations: Violation[] = [
    ...findLost(evidence),
    ...duplicates.violations,
    ...findEarly(evidence),
    ...findOverCap(evidence),
    ...findStuck(evidence),
    ...findContradictions(evidence),
    ...findMischarged(evidence),
    ...findMisreported(evidence),
  ]
  const count = (kind: ViolationKind) => violations.filter((violation) => violation.kind === kind).length
  const byRule = Map.groupBy(violations, ({ kind, rule }) => `${kind}: ${rule}`)
  return {
    events: new Set(observations.requests.map(nameOf)).size,
    deliveries: observations.deliveries.length,
    calls: observations.calls.length,
    commits: observations.commits.length,
    places: observations.places.length,
    lost: count('lost'),
    duplicated: duplicates.duplicated,
    duplicatesAllowed: duplicates.allowed,
    early: count('early'),
    stuck: count('stuck'),
    contradictory: count('contradictory'),
    clean: violations.length === 0 && duplicates.duplicated <= duplicates.allowed,
    rules: Object.fromEntries([...byRule].map(([rule, broken]) => [rule, broken.length])),
    details: [...byRule.values()].flatMap((broken) => broken.slice(0, detailsPerRuleMax)),
    deadLetters: countBy(observations.deadLetters.map(({ reason }) => reason ?? 'none')),
    statuses: countBy(distinctStatuses(evidence).map(({ status }) => status)),
  }
}

function distinctStatuses({ statuses }: Evidence) {
  return [...statuses.byId.values()].map(([first]) => first)
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words.toSorted()) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
