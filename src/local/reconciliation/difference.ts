/**
 * Where the parties contradict each other. None is expected, whatever crashed.
 */
export const differenceKinds = {
  not_logged: 'published, but not in Postgres',
  not_published: 'in Postgres, but never published',
  logged_twice: 'more than once in Postgres',
  undecided: 'without a final decision',
  decision_without_status: 'decided, but the decision is not on the status topic',
  status_without_decision: 'a decision on the status topic that Postgres does not have',
  planned_otherwise: 'another number of deliveries than its status says',
  not_final: 'a delivery that is not final',
  accepted_unrecorded: 'accepted by a provider, but not sent in Postgres',
  sent_unaccepted: 'sent in Postgres, but never accepted by the provider',
  state_without_status: 'final in Postgres, but not on the status topic',
  status_without_state: 'on the status topic, but not so in Postgres',
  report: 'a report that was made, is kept and is told, but not all three',
  called_twice: 'more than one call to a provider for the same delivery',
} as const
export type DifferenceKind = keyof typeof differenceKinds

export interface Difference {
  kind: DifferenceKind
  /** Of the notification, the delivery, or the call. */
  id: string
}
