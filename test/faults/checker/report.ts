/**
 * What the checker reports: violations by kind, with the numbers that the matrix prints.
 */
export const violationKinds = ['lost', 'duplicated', 'early', 'stuck', 'contradictory'] as const
export type ViolationKind = (typeof violationKinds)[number]

export interface Violation {
  kind: ViolationKind
  /** What is wrong, in a few fixed words: one per rule, so that findings can be counted. */
  rule: string
  /** Of the event, the delivery, the call, or the record. */
  subject: string
}

/** @param duplicated counts accepted calls beyond the first of each delivery, allowed or not. */
export interface Report {
  events: number
  deliveries: number
  calls: number
  /** Commits in the groups' log: what the question of going back was asked of. */
  commits: number
  /** Places under caps that Redis still held. */
  places: number
  lost: number
  duplicated: number
  duplicatesAllowed: number
  early: number
  stuck: number
  contradictory: number
  /** Nothing lost, early, stuck or contradictory, and no more duplicates than allowed, each decided by a policy. */
  clean: boolean
  /** How often each rule was broken. */
  rules: Readonly<Record<string, number>>
  /** The first violations of each rule. */
  details: readonly Violation[]
  deadLetters: Readonly<Record<string, number>>
  statuses: Readonly<Record<string, number>>
}
