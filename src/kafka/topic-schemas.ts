/**
 * Which records lie on which topic, and under which subject and compatibility the registry keeps their schemas.
 *
 * Dead-letter topics hold whatever bytes came, so they have no subject. Public topics are FULL_TRANSITIVE: producers
 * and consumers that we do not deploy read and write with any version, so only optional fields may come and go.
 * Internal ones are BACKWARD: we deploy the readers first.
 */
import { channels, lanes } from '../domain/channel.ts'
import { retryRungs, topicNames, type TopicNames } from '../domain/topic-names.ts'
import type { Compatibility } from './registry/registry-client.ts'
import { fullRecordName, type RecordSchemaName } from './registry/record-schemas.ts'

export interface TopicSchema {
  topic: string
  record: RecordSchemaName
  subject: string
  compatibility: Compatibility
}

/**
 * In the order in which they are registered. It is part of the contract: a registry that lost its memory gives out the
 * same ids again only to the same schemas in the same order, so new entries go to the end.
 */
export function topicSchemas(names: TopicNames = topicNames()): TopicSchema[] {
  const each = (topics: readonly string[], record: RecordSchemaName, compatibility: TopicSchema['compatibility']) =>
    topics.map((topic) => ({ topic, record, subject: subjectOf(topic, record), compatibility }))
  const requested = lanes.map((lane) => names.requested(lane))
  const commands = [
    ...channels.flatMap((channel) => lanes.map((lane) => names.deliveries(channel, lane))),
    ...lanes.flatMap((lane) => retryRungs.map((rung) => names.retry(lane, rung.name))),
  ]
  return [
    ...each(requested, 'NotificationRequested', 'FULL_TRANSITIVE'),
    ...each(requested, 'NotificationCancelled', 'FULL_TRANSITIVE'),
    ...each(commands, 'DeliveryCommand', 'BACKWARD'),
    ...each([names.deliveryStatus], 'DeliveryStatus', 'FULL_TRANSITIVE'),
    ...each([names.feedback], 'ProviderFeedback', 'BACKWARD'),
    ...each([names.usersChanged], 'UserChanged', 'FULL_TRANSITIVE'),
  ]
}

/** `<topic>-<full record name>` where two records share a topic, else `<topic>-value`. */
export function subjectOf(topic: string, record: RecordSchemaName): string {
  const sharesTopic = record === 'NotificationRequested' || record === 'NotificationCancelled'
  return sharesTopic ? `${topic}-${fullRecordName(record)}` : `${topic}-value`
}
