/**
 * What every consumer of Kafka counts, whichever role it serves. `group` tells the roles of one process apart.
 *
 * Rates come from the counters, alerts on time from the timestamps: an age would stand still where the process does.
 */
import { Counter, Gauge, type Registry } from 'prom-client'

export interface ConsumerMetrics {
  consumedRecords: Counter<'group' | 'topic'>
  /** By how far commits moved, in records delivered. */
  committedRecords: Counter<'group' | 'topic'>
  inFlightRecords: Gauge<'group'>
  /** High watermark minus committed position, summed over the partitions that this member owns. */
  lagMessages: Gauge<'group' | 'topic'>
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
  return {
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
    inFlightRecords: gauge({
      name: 'fanfare_consumer_in_flight_records',
      help: 'Records fetched and not complete, queued ones included.',
      labelNames: ['group'],
    }),
    lagMessages: gauge({
      name: 'fanfare_consumer_lag_messages',
      help: 'High watermark minus committed position over the partitions that this member owns.',
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

interface MetricOptions<Label extends string> {
  name: string
  help: string
  labelNames: Label[]
}
