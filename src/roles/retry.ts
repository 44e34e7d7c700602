/**
 * The retry role of one lane: retry topics → channel topics, each record when it is due. Touches only Kafka.
 */
import type { Lane } from '../domain/channel.ts'
import { retryRungs } from '../domain/topic-names.ts'
import { deadLetterRecord, redactedLine } from '../kafka/dead-letter.ts'
import { startInPlaceConsumer } from '../kafka/in-place-consumer.ts'
import type { RunningConsumer } from '../kafka/running-consumer.ts'
import { createRetry } from '../services/retry/retry.ts'
import { createRetryMetrics, type RetryMetrics } from '../telemetry/retry-metrics.ts'
import { consumerTelemetry } from './consumer-telemetry.ts'
import type { Infrastructure } from './infrastructure.ts'
import type { RoleContext } from './role.ts'
import { runRole, type RoleParts } from './running-role.ts'

export async function run(context: RoleContext): Promise<void> {
  await runRole(
    {
      role: 'retry',
      sections: ['lane'],
      start: (infrastructure, { lane }) => startRetries(infrastructure, [lane.lane]),
    },
    context,
  )
}

/** One consumer for each lane. */
export async function startRetries(infrastructure: Infrastructure, lanes: readonly Lane[]): Promise<RoleParts> {
  const metrics = createRetryMetrics(infrastructure.registry)
  const consumers = await Promise.all(lanes.map((lane) => startRetry(infrastructure, lane, metrics)))
  return { consumers, close: () => Promise.resolve() }
}

async function startRetry(infrastructure: Infrastructure, lane: Lane, metrics: RetryMetrics): Promise<RunningConsumer> {
  const { configuration, topics, kafka, producer, consumerMetrics, log, now, fatal } = infrastructure
  const group = topics.group('retry', lane)
  const retry = createRetry(lane, {
    publish: (records) => producer.send(records),
    deadLetter: (topic, record, reason) => deadLetterRecord(topic, record, reason, null),
    topics,
    now,
    observe: (observation) => {
      if (observation.kind === 'dead_letter') {
        const { topic, reason } = observation
        return consumerMetrics.deadLetters.inc({ group, topic, reason })
      }
      const { rung, records, latestMs } = observation
      metrics.forwarded.inc({ lane, rung }, records)
      if (records > 0) metrics.lateness.observe({ lane, rung }, latestMs / 1_000)
    },
  })
  return startInPlaceConsumer({
    connection: { ...kafka, clientId: `${kafka.clientId}-${lane}` },
    groupId: group,
    topics: retryRungs.map((rung) => topics.retry(lane, rung.name)),
    sessionTimeoutMs: configuration.consumer.sessionTimeoutMs,
    drainBudgetMs: configuration.consumer.drainBudgetMs,
    chunkSize: configuration.consumer.chunkSize,
    report: consumerTelemetry({ group, metrics: consumerMetrics, log: log.child({ lane }) }),
    fatal,
    clock: () => performance.now(),
    handle: (records) => retry.handle(records),
    deadLetter: async (record, error) => {
      await producer.send([deadLetterRecord(topics.retryDeadLetter, record, 'internal_error', redactedLine(error))])
      return 'internal_error'
    },
  })
}
