/**
 * How far a member is with its partitions: their lag, as its own fetches and commits tell it, and what it has in hand.
 *
 * No request is made for it. So the end of a partition is the one that its last fetch with records told: exact while
 * fetching goes on, and too near while the partition is paused. Pure: no clock, no I/O.
 */
import type { AssignmentChange, PartitionPosition, TopicPartition } from './partition-position.ts'

/** One partition at this moment, for whoever asks. */
export interface PartitionProgress extends TopicPartition {
  /** Records between the committed position and the partition's end. */
  lag: number
  /** Fetched and not started. */
  queued: number
  /** Started and not complete. */
  running: number
  /** Timestamp of the oldest record that was fetched and is not complete, Unix ms; undefined where there is none. */
  oldestMs: number | undefined
  /** Held back because its first record is not due: nothing of its lag could be worked on. */
  notDue: boolean
}

/** What a mode of consuming knows about a partition; the lag is its member's to tell. */
export type PartitionInHand = Omit<PartitionProgress, 'lag' | 'notDue'>

export interface FetchedOffsets extends TopicPartition {
  firstOffset: bigint
  highWatermark: bigint
}

export interface PartitionLags {
  /** Forgets what is not this member's any more, or is counted anew. */
  assigned(change: AssignmentChange): void
  fetched(batch: FetchedOffsets): void
  /** @returns by how many records the position moved. */
  committed(position: PartitionPosition): number
  /** Of every assigned partition; 0 for one of which nothing was fetched yet. */
  lags(): (TopicPartition & { lag: number })[]
}

interface Offsets {
  /** What is committed; until the first commit, where this member began. */
  position: bigint
  highWatermark: bigint
}

export function createPartitionLags(): PartitionLags {
  let assigned: readonly TopicPartition[] = []
  let offsetsOf = new Map<string, Offsets>()

  function committed({ topic, partition, offset }: PartitionPosition): number {
    const own = offsetsOf.get(`${topic}/${partition}`)
    if (own === undefined) return 0
    const moved = offset > own.position ? Number(offset - own.position) : 0
    own.position = offset
    return moved
  }

  function fetched({ topic, partition, firstOffset, highWatermark }: FetchedOffsets): void {
    const own = offsetsOf.get(`${topic}/${partition}`)
    // Below the committed position lies only another topic of the same name, or a log that was cut off.
    const position = own === undefined || firstOffset < own.position ? firstOffset : own.position
    offsetsOf.set(`${topic}/${partition}`, { position, highWatermark })
  }

  return {
    fetched,
    committed,
    assigned: ({ owned, sameMember }) => {
      const keys = new Set(owned.map(({ topic, partition }) => `${topic}/${partition}`))
      offsetsOf = new Map(sameMember ? [...offsetsOf].filter(([key]) => keys.has(key)) : [])
      assigned = owned
    },
    lags: () =>
      assigned.map(({ topic, partition }) => ({
        topic,
        partition,
        lag: lagOf(offsetsOf.get(`${topic}/${partition}`)),
      })),
  }
}

function lagOf(offsets: Offsets | undefined): number {
  if (offsets === undefined) return 0
  return offsets.highWatermark > offsets.position ? Number(offsets.highWatermark - offsets.position) : 0
}

/** The lags with what is in hand; of a partition that is not assigned, what is in hand is another member's by now. */
export function progressOf(
  lags: readonly (TopicPartition & { lag: number })[],
  inHand: readonly PartitionInHand[],
  notDue: (partition: TopicPartition) => boolean = () => false,
): PartitionProgress[] {
  return lags.map((each) => {
    const own = inHand.filter(({ topic, partition }) => topic === each.topic && partition === each.partition)
    const oldest = own.flatMap(({ oldestMs }) => oldestMs ?? [])
    return {
      ...each,
      queued: own.reduce((sum, { queued }) => sum + queued, 0),
      running: own.reduce((sum, { running }) => sum + running, 0),
      oldestMs: oldest.length === 0 ? undefined : Math.min(...oldest),
      notDue: notDue(each),
    }
  })
}
