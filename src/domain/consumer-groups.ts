/**
 * Every consumer group that Fanfare's roles form, and what each reads: for whoever looks at them from outside.
 */
import { channels, lanes, type Lane } from './channel.ts'
import { retryRungs, type TopicNames } from './topic-names.ts'

export interface ConsumerGroup {
  group: string
  topics: readonly string[]
  /** Whether its records wait on purpose: then lag is not something that it is behind with. */
  waits: boolean
}

/** In the order in which a notification meets them. */
export function consumerGroups(topics: TopicNames): ConsumerGroup[] {
  const consuming = (group: string, ...read: readonly string[]) => ({ group, topics: read, waits: false })
  const rungsOf = (lane: Lane) => retryRungs.map(({ name }) => topics.retry(lane, name))
  return [
    ...lanes.map((lane) => consuming(topics.group('router', lane), topics.requested(lane))),
    ...channels.flatMap((channel) =>
      lanes.map((lane) => consuming(topics.group('sender', channel, lane), topics.deliveries(channel, lane))),
    ),
    ...lanes.map((lane) => ({ group: topics.group('retry', lane), topics: rungsOf(lane), waits: true })),
    consuming(topics.group('feedback'), topics.feedback),
    consuming(topics.group('profiles'), topics.usersChanged),
  ]
}
