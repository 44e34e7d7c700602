/**
 * What every consumer of Kafka counts, whichever role it serves. `group` tells the roles of one process apart.
 *
 * Rates come from the counters, alerts on time from the timestamps: an age would stand still where the process does. What
 * a consumer holds at a moment is asked of it at each scrape. Each member tells of the partitions that it owns, so the
 * lags of a group's members add up to the group's.
 */
import { Counter, Gauge, type Registry } from 'prom-client'
import { observedGauge } from './observed-gauge.ts'

/** Where a group's member stands at this moment. */
export interface GroupProgress {
  group: string
  topics: TopicProgress[]
}

export interface TopicProgress {
  topic: string
  assignedPartitions: number
  lag: number
  secondsToDrain: number
  queued: number
  running: number
  /** Unix ms; undefined where nothing was fetched that is not complete. */
  oldestMs: number | undefined
}

export interface ConsumerMetrics {
  consumedRecords: Counter<'group' | 'topic'>
  /** By how far commits moved, in records delivered. */
  committedRecords: Counter<'group' | 'topic'>
  /** Lag, seconds to drain, what is in hand: asked of this member from now on. @returns what ends that. */
  observe(progress: () => GroupProgress): () => void
  /** Unix seconds of the last fetch; liveness goes by joins and heartbeats. */
  lastContactTimestamp: Gauge<'group'>
  /** reason: a `PauseReason` of the consumer runtime; a partition counts under each that holds it. */
  pausedPartitions: Gauge<'group' | 'reason'>
  rebalances: Counter<'group'>
  /** topic: the source's; reason: a `DeadLetterReason`. */
  deadLetters: Counter<'group' | 'topic' | 'reason'>
  /** dependency: a `Dependency`. */
  faults: Counter<'group' | 'dependency'>
  offsetResets: Counter<'group' | 'topic'>
}

/** Registers the metrics; once per registry. */
export function createConsumerMetrics(registry: Registry): ConsumerMetrics {
  const counter = <Label extends string>(options: MetricOptions<Label>) =>
    new Counter({ ...options, registers: [registry] })
  const gauge = <Label extends string>(options: MetricOptions<Label>) =>
    new Gauge({ ...options, registers: [registry] })
  const members = new Set<() => GroupProgress>()
  observeProgress(registry, members)
  return {
    observe: (progress) => {
      members.add(progress)
      return () => members.delete(progress)
    },
    consumedRecords: counter({
      name: 'fanfare_consumer_consumed_records_total',
      help: 'Records handed to the role.',
      labelNames: ['group', 'topic'],
    }),
    committedRecords: counter({
      name: 'fanfare_consumer_committed_records_total',
      help: 'Records that commits moved past.',
      labelNames: ['group', 'topic'],
    }),
    lastContactTimestamp: gauge({
      name: 'fanfare_consumer_last_contact_timestamp_seconds',
      help: 'Unix time of the last fetch or heartbeat.',
      labelNames: ['group'],
    }),
    pausedPartitions: gauge({
      name: 'fanfare_consumer_paused_partitions',
      help: 'Partitions held back, under each reason that holds them.',
      labelNames: ['group', 'reason'],
    }),
    rebalances: counter({
      name: 'fanfare_consumer_rebalances_total',
      help: 'Times that this member joined its group.',
      labelNames: ['group'],
    }),
    deadLetters: counter({
      name: 'fanfare_dead_letters_total',
      help: 'Records sent to a dead-letter topic.',
      labelNames: ['group', 'topic', 'reason'],
    }),
    faults: counter({
      name: 'fanfare_consumer_faults_total',
      help: 'Times that work paused because a dependency was away.',
      labelNames: ['group', 'dependency'],
    }),
    offsetResets: counter({
      name: 'fanfare_consumer_offset_resets_total',
      help: 'Times that a position lay outside the log and reading began again at its start.',
      labelNames: ['group', 'topic'],
    }),
  }
}

function observeProgress(registry: Registry, members: ReadonlySet<() => GroupProgress>): void {
  const byTopic = (name: string, help: string, valueOf: (progress: TopicProgress) => number | undefined) =>
    observedGauge(registry, {
      name,
      help,
      labelNames: ['group', 'topic'],
      read: () =>
        [...members].flatMap((progress) => {
          const { group, topics } = progress()
          return topics.flatMap((each) => {
            const value = valueOf(each)
            return value === undefined ? [] : [[{ group, topic: each.topic }, value] as const]
          })
        }),
    })
  byTopic(
    'fanfare_consumer_assigned_partitions',
    'Partitions that this member owns.',
    (each) => each.assignedPartitions,
  )
  byTopic(
    'fanfare_consumer_lag_messages',
    'High watermark minus committed position over the partitions that this member owns.',
    (each) => each.lag,
  )
  byTopic(
    'fanfare_consumer_seconds_to_drain',
    'Lag that may be worked on, by the recent rate of commits; 3600 at most, and where nothing is committed.',
    (each) => each.secondsToDrain,
  )
  byTopic(
    'fanfare_consumer_oldest_unprocessed_timestamp_seconds',
    'Unix time of the oldest record that was fetched and is not complete; absent where there is none.',
    ({ oldestMs }) => (oldestMs === undefined ? undefined : oldestMs / 1_000),
  )
  byTopic('fanfare_consumer_queued_records', 'Records fetched and not started.', (each) => each.queued)
  byTopic('fanfare_consumer_in_flight_records', 'Records started and not complete.', (each) => each.running)
}

interface MetricOptions<Label extends string> {
  name: string
  help: string
  labelNames: Label[]
}
