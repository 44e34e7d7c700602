/**
 * What the checker reports: each rule in a few fixed words, so that findings can be counted.
 */
export interface Violation {
  rule: string
  /** The event, with the channel or the delivery that it is about. */
  subject: string
}

export interface Report {
  events: number
  deliveries: number
  calls: number
  /** How often each rule was broken. */
  rules: Readonly<Record<string, number>>
  /** The first violations of each rule. */
  details: readonly Violation[]
}
