/**
 * From what a consumer reports to log lines and metrics. Exceptional events are logged, regular ones counted.
 */
import type { ConsumerEvent, ReportConsumerEvent } from '../kafka/consumer-event.ts'
import type { ConsumerMetrics } from '../telemetry/consumer-metrics.ts'
import type { Logger } from '../telemetry/log.ts'

export interface ConsumerTelemetryOptions {
  group: string
  metrics: ConsumerMetrics
  log: Logger
}

export function consumerTelemetry({ group, metrics, log }: ConsumerTelemetryOptions): ReportConsumerEvent {
  const logger = log.child({ group })
  const lag = createLag(group, metrics)
  const commits = createCommitStreak(logger)
  return (event) => {
    count(event, { group, metrics, lag })
    tell(event, logger)
    commits(event)
  }
}

interface Counting {
  group: string
  metrics: ConsumerMetrics
  lag: Lag
}

function count(event: ConsumerEvent, { group, metrics, lag }: Counting): void {
  switch (event.kind) {
    case 'fetched':
      metrics.consumedRecords.inc({ group, topic: event.topic }, event.records)
      metrics.inFlightRecords.inc({ group }, event.records)
      metrics.lastContactTimestamp.setToCurrentTime({ group })
      return lag.fetched(event)
    case 'completed':
      return metrics.inFlightRecords.dec({ group }, event.records)
    case 'committed':
      return lag.committed(event)
    case 'joined':
      metrics.rebalances.inc({ group })
      // Lost partitions are another member's to count.
      return event.lost > 0 ? lag.forget() : undefined
    case 'paused':
    case 'resumed':
      return metrics.pausedPartitions.inc({ group, reason: event.reason }, event.kind === 'paused' ? 1 : -1)
    case 'dependency_unavailable':
      return metrics.faults.inc({ group, dependency: event.dependency })
    case 'dead_lettered':
      return metrics.deadLetters.inc({ group, topic: event.topic, reason: event.reason })
    case 'offset_reset':
      return metrics.offsetResets.inc({ group, topic: event.topic })
    case 'rebalancing':
    case 'commit_failed':
    case 'dependency_recovered':
    case 'chunk_failed':
    case 'topic_recreated':
    case 'crashed':
    case 'stuck':
    case 'stopped':
      return undefined
  }
}

function tell(event: ConsumerEvent, logger: Logger): void {
  switch (event.kind) {
    case 'joined':
      return logger.info(event, 'joined the group')
    case 'stopped':
      return logger.info(event, 'stopped')
    case 'dependency_unavailable':
      return logger.warn(event, 'a dependency is away, waiting')
    case 'dependency_recovered':
      return logger.info(event, 'the dependency is back')
    case 'topic_recreated': {
      const { topic, partition } = event
      return logger.warn({ topic, partition }, 'the topic was recreated')
    }
    case 'offset_reset': {
      const { topic, partition, position } = event
      return logger.error(
        { topic, partition, position: String(position) },
        'the position lies outside the log: reading on from its start',
      )
    }
    case 'dead_lettered': {
      const { topic, partition, reason } = event
      return logger.error({ topic, partition, offset: String(event.offset), reason }, 'dead-lettered')
    }
    case 'chunk_failed':
      return logger.error({ records: event.records, err: event.error }, 'a chunk failed, halving it')
    case 'crashed':
      return logger.error({ restarts: event.restarts, err: event.error }, 'the consumer crashed')
    case 'stuck':
      return logger.fatal(event, 'work waits and nothing moves')
    case 'rebalancing':
      return logger.debug(event, 'consumer')
    case 'commit_failed':
    case 'fetched':
    case 'completed':
    case 'committed':
    case 'paused':
    case 'resumed':
      return undefined
  }
}

/** One failed commit is nothing, since the next one covers it; that they go on failing is told once, and so is the end. */
function createCommitStreak(logger: Logger): ReportConsumerEvent {
  let failures = 0
  return (event) => {
    if (event.kind === 'commit_failed') {
      failures += 1
      if (failures === toldFailures) logger.warn({ code: event.code, failures }, 'commits fail')
    } else if (event.kind === 'committed') {
      if (failures >= toldFailures) logger.info({ failures }, 'commits succeed again')
      failures = 0
    }
  }
}

/** A rebalance costs one or two. */
const toldFailures = 3

interface Lag {
  fetched(event: Extract<ConsumerEvent, { kind: 'fetched' }>): void
  committed(event: Extract<ConsumerEvent, { kind: 'committed' }>): void
  forget(): void
}

interface PartitionFigures {
  topic: string
  highWatermark: bigint
  /** What is committed; until the first commit, where this member began. */
  position: bigint
}

function createLag(group: string, metrics: ConsumerMetrics): Lag {
  const figuresOf = new Map<string, PartitionFigures>()

  function update(topic: string): void {
    let lag = 0n
    for (const { topic: ofTopic, highWatermark, position } of figuresOf.values()) {
      if (ofTopic === topic && highWatermark > position) lag += highWatermark - position
    }
    metrics.lagMessages.set({ group, topic }, Number(lag))
  }

  return {
    fetched: ({ topic, partition, firstOffset, highWatermark }) => {
      const own = figuresOf.get(`${topic}/${partition}`)
      if (own === undefined) {
        const begun = { topic, highWatermark, position: firstOffset }
        figuresOf.set(`${topic}/${partition}`, begun)
      } else {
        own.highWatermark = highWatermark
      }
      update(topic)
    },
    committed: ({ topic, partition, offset }) => {
      const own = figuresOf.get(`${topic}/${partition}`)
      if (own === undefined) return
      if (offset > own.position) metrics.committedRecords.inc({ group, topic }, Number(offset - own.position))
      own.position = offset
      update(topic)
    },
    forget: () => figuresOf.clear(),
  }
}
