/**
 * Kafka: reachable, with the topics that topics/ declares, which keep what lies on them long enough and not too long.
 */
import type { KafkaConnection } from '../../kafka/connection.ts'
import { createKafka } from '../../kafka/connection.ts'
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import { topicNames } from '../../domain/topic-names.ts'
import { checkTopics } from '../../kafka/topic-administration.ts'
import { isRepairable } from '../../kafka/topic-drift.ts'
import { readTopicFiles } from '../../kafka/topic-files.ts'
import { readRetentions } from '../../kafka/topic-retention.ts'
import { withAdmin } from '../../kafka/with-admin.ts'
import { topicDriftText } from '../topic-text.ts'
import { fault, ok, unreachable, type Finding } from './finding.ts'
import { retentionFindings } from './retention-findings.ts'

export interface KafkaToCheck {
  brokers: KafkaConnection['brokers']
  prefix: string
  /** As given to `topics apply`; undefined for what the files say. */
  replicas: number | undefined
}

export async function kafkaFindings({ brokers, prefix, replicas }: KafkaToCheck): Promise<Finding[]> {
  // What goes wrong arrives as an exception; kafkajs's own lines about its retries would only bury it.
  const kafka = createKafka({ brokers, clientId: 'fanfare-doctor', log: () => {} })
  const topics = topicNames(prefix)
  const wanted = readTopicFiles({ prefix, ...(replicas === undefined ? {} : { replicas }) })
  try {
    const { answering, retentions } = await withAdmin(kafka, async (admin) => ({
      answering: (await admin.describeCluster()).brokers.length,
      retentions: await readRetentions(admin, topics.all()),
    }))
    const drifts = await checkTopics(kafka, wanted)
    const flag = replicas === undefined ? '' : ` --replicas ${replicas}`
    return [
      ok('kafka', answering === 1 ? '1 broker answers' : `${answering} brokers answer`),
      ...drifts.map((drift) =>
        fault(
          'topics',
          topicDriftText(drift),
          isRepairable(drift)
            ? `fanfare topics apply${flag}`
            : 'a person has to decide: fewer partitions cannot be had, replicas are reassigned by the cluster’s owner',
        ),
      ),
      ...(drifts.length === 0 ? [ok('topics', `${wanted.length} topics are as topics/ declares them`)] : []),
      ...retentionFindings(topics, retentions),
    ]
  } catch (error) {
    if (!(error instanceof DependencyUnavailable)) throw error
    return [unreachable('kafka', error, 'FANFARE_KAFKA_BROKERS')]
  }
}
