/**
 * From what a consumer reports to log lines and metrics. Exceptional events are logged, regular ones counted.
 */
import type { ConsumerEvent, ReportConsumerEvent } from '../kafka/consumer-event.ts'
import type { PartitionProgress } from '../kafka/partition-progress.ts'
import type { ConsumerMetrics, GroupProgress } from '../telemetry/consumer-metrics.ts'
import { createDrainEstimate, type DrainEstimate } from '../telemetry/drain-estimate.ts'
import type { Logger } from '../telemetry/log.ts'

export interface ConsumerTelemetryOptions {
  group: string
  metrics: ConsumerMetrics
  log: Logger
  /** Monotonic ms; the process's own where none is given. */
  clock?: () => number
}

export function consumerTelemetry(options: ConsumerTelemetryOptions): ReportConsumerEvent {
  const { group, metrics, log, clock = () => performance.now() } = options
  const logger = log.child({ group })
  const progress = createProgress(group, metrics, clock)
  const commits = createCommitStreak(logger)
  return (event) => {
    progress(event)
    count(event, group, metrics)
    tell(event, logger)
    commits(event)
  }
}

function count(event: ConsumerEvent, group: string, metrics: ConsumerMetrics): void {
  switch (event.kind) {
    case 'fetched':
      metrics.consumedRecords.inc({ group, topic: event.topic }, event.records)
      return metrics.lastContactTimestamp.setToCurrentTime({ group })
    case 'committed':
      return metrics.committedRecords.inc({ group, topic: event.topic }, event.records)
    case 'joined':
      return metrics.rebalances.inc({ group })
    case 'paused':
    case 'resumed':
      return metrics.pausedPartitions.inc({ group, reason: event.reason }, event.kind === 'paused' ? 1 : -1)
    case 'dependency_unavailable':
      return metrics.faults.inc({ group, dependency: event.dependency })
    case 'dead_lettered':
      return metrics.deadLetters.inc({ group, topic: event.topic, reason: event.reason })
    case 'offset_reset':
      return metrics.offsetResets.inc({ group, topic: event.topic })
    case 'started':
    case 'completed':
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
    case 'started':
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

/** What the runtime tells of its partitions, as topics: summed, and with the time that their lag takes to drain. */
function createProgress(group: string, metrics: ConsumerMetrics, clock: () => number): ReportConsumerEvent {
  const estimateOf = new Map<string, DrainEstimate>()
  let partitions: () => PartitionProgress[] = () => []
  let forget = () => {}

  function estimate(topic: string): DrainEstimate {
    const known = estimateOf.get(topic)
    if (known !== undefined) return known
    const created = createDrainEstimate(clock)
    estimateOf.set(topic, created)
    return created
  }

  /** Lag that waits for its time is not there to be drained. */
  function observeLag(topic: string, committed: number): void {
    const drainable = partitions().filter((each) => each.topic === topic && !each.notDue)
    estimate(topic).observe(
      sum(drainable, ({ lag }) => lag),
      committed,
    )
  }

  function progress(): GroupProgress {
    const byTopic = Map.groupBy(partitions(), ({ topic }) => topic)
    const topics = [...byTopic].map(([topic, owned]) => {
      observeLag(topic, 0)
      const oldest = owned.flatMap(({ oldestMs }) => oldestMs ?? [])
      return {
        topic,
        assignedPartitions: owned.length,
        lag: sum(owned, ({ lag }) => lag),
        secondsToDrain: estimate(topic).seconds(),
        queued: sum(owned, ({ queued }) => queued),
        running: sum(owned, ({ running }) => running),
        oldestMs: oldest.length === 0 ? undefined : Math.min(...oldest),
      }
    })
    return { group, topics }
  }

  return (event) => {
    if (event.kind === 'started') {
      partitions = event.progress
      forget = metrics.observe(progress)
    } else if (event.kind === 'stopped') forget()
    else if (event.kind === 'fetched') observeLag(event.topic, 0)
    else if (event.kind === 'committed') observeLag(event.topic, event.records)
  }
}

function sum(partitions: readonly PartitionProgress[], measure: (partition: PartitionProgress) => number): number {
  return partitions.reduce((total, partition) => total + measure(partition), 0)
}
