/**
 * Every topic's name, and the groups that read them. topics/ holds one file per name; a contract test compares both.
 *
 * A prefix (empty in production) isolates several Fanfares on one cluster, as the tests need it.
 */
import { channels, lanes, type Channel, type Lane } from './channel.ts'

/** The rungs of the retry ladder with their delays in milliseconds, shortest first. */
export const retryRungs = [
  { name: '10s', delayMs: 10_000 },
  { name: '1m', delayMs: 60_000 },
  { name: '10m', delayMs: 600_000 },
  { name: '1h', delayMs: 3_600_000 },
] as const
export type RetryRung = (typeof retryRungs)[number]['name']

export interface TopicNames {
  requested(lane: Lane): string
  deliveries(channel: Channel, lane: Lane): string
  retry(lane: Lane, rung: RetryRung): string
  deliveriesDeadLetter(channel: Channel): string
  readonly requestedDeadLetter: string
  readonly retryDeadLetter: string
  readonly feedback: string
  readonly feedbackDeadLetter: string
  readonly deliveryStatus: string
  readonly usersChanged: string
  readonly usersChangedDeadLetter: string
  /** Every topic that Fanfare needs, each once. */
  all(): readonly string[]
  /** The consumer group of a role: its name and what tells its topic set from its siblings'. */
  group(role: string, ...topicSet: readonly string[]): string
}

export function topicNames(prefix = ''): TopicNames {
  const requested = (lane: Lane) => `${prefix}notifications.requested.${lane}`
  const deliveries = (channel: Channel, lane: Lane) => `${prefix}notifications.${channel}.${lane}`
  const retry = (lane: Lane, rung: RetryRung) => `${prefix}notifications.retry.${lane}.${rung}`
  const deliveriesDeadLetter = (channel: Channel) => `${prefix}notifications.${channel}.dlq`
  const single = {
    requestedDeadLetter: `${prefix}notifications.requested.dlq`,
    retryDeadLetter: `${prefix}notifications.retry.dlq`,
    feedback: `${prefix}notifications.provider-feedback`,
    feedbackDeadLetter: `${prefix}notifications.provider-feedback.dlq`,
    deliveryStatus: `${prefix}notifications.delivery-status`,
    usersChanged: `${prefix}users.changed`,
    usersChangedDeadLetter: `${prefix}users.changed.dlq`,
  }
  return {
    requested,
    deliveries,
    retry,
    deliveriesDeadLetter,
    ...single,
    all: () => [
      ...lanes.map(requested),
      ...channels.flatMap((channel) => lanes.map((lane) => deliveries(channel, lane))),
      ...lanes.flatMap((lane) => retryRungs.map((rung) => retry(lane, rung.name))),
      ...channels.map(deliveriesDeadLetter),
      ...Object.values(single),
    ],
    group: (role, ...topicSet) => [`${prefix}fanfare`, role, ...topicSet].join('.'),
  }
}
