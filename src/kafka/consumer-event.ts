/**
 * What a consumer tells the outside about itself, as one closed union: roles turn it into log lines and metrics, tests
 * await it. Never holds a key, a value or a header.
 */
import type { DeadLetterReason } from '../domain/reason.ts'
import type { PartitionProgress } from './partition-progress.ts'

/** Why a partition is not fetched. It is paused while its set of reasons is not empty. */
export type PauseReason = 'queue' | 'fault' | 'not_due' | 'stopping'

export type ConsumerEvent =
  /** The first event. `progress` may be asked at any time until `stopped`, for every partition that is assigned then. */
  | { kind: 'started'; progress: () => PartitionProgress[] }
  | { kind: 'joined'; memberId: string; partitions: number; kept: number; lost: number }
  | { kind: 'rebalancing' }
  | { kind: 'fetched'; topic: string; partition: number; records: number; firstOffset: bigint; highWatermark: bigint }
  | { kind: 'completed'; topic: string; records: number }
  /** `records`: by how many the position moved. */
  | { kind: 'committed'; topic: string; partition: number; offset: bigint; records: number }
  | { kind: 'commit_failed'; code: string }
  | { kind: 'dependency_unavailable'; dependency: string; code: string; attempt: number; waitMs: number }
  | { kind: 'dependency_recovered'; attempts: number }
  | { kind: 'chunk_failed'; records: number; error: unknown }
  | { kind: 'dead_lettered'; topic: string; partition: number; offset: bigint; reason: DeadLetterReason }
  | { kind: 'paused' | 'resumed'; topic: string; partition: number; reason: PauseReason }
  | { kind: 'topic_recreated'; topic: string; partition: number; expected: bigint; received: bigint }
  | { kind: 'offset_reset'; topic: string; partition: number; position: bigint }
  | { kind: 'crashed'; restarts: boolean; error: Error }
  | { kind: 'stuck'; waitingRecords: number; idleMs: number }
  | { kind: 'stopped'; drained: boolean; abandonedRecords: number }

export type ReportConsumerEvent = (event: ConsumerEvent) => void
