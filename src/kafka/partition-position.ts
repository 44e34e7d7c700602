/**
 * Partitions, positions in them, and how the assignment of a member changes.
 */
export interface TopicPartition {
  topic: string
  partition: number
}

export interface PartitionPosition extends TopicPartition {
  /** The next offset to consume. */
  offset: bigint
}

export interface AssignmentChange {
  owned: readonly TopicPartition[]
  memberId: string
  /**
   * Whether this is the member that had the last assignment. One that was expelled, or crashed, comes back as another:
   * meanwhile any partition may have been consumed elsewhere, so whatever it still holds counts for nothing.
   */
  sameMember: boolean
}
