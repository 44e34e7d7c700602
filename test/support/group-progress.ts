/**
 * How far the consumer groups are: what a group has committed of a topic, against the topic's end.
 *
 * A role commits what it is done with and nothing before, so a group without lag has settled everything, and a partition
 * that is stuck shows as lag for ever.
 */
import type { Admin } from 'kafkajs'
import { eventually } from './eventually.ts'

export interface ConsumedTopic {
  group: string
  topic: string
}

/** Waits until each group has committed its topic's end of this moment. */
export async function untilConsumed(
  admin: Admin,
  consumed: readonly ConsumedTopic[],
  deadlineMs: number,
): Promise<void> {
  const open = [...consumed]
  await eventually(async () => {
    for (let next = open[0]; next !== undefined; next = open[0]) {
      const records = await lagOf(admin, next)
      if (records > 0) return `${records} records of ${next.topic} are not committed by ${next.group}`
      open.shift()
    }
    return undefined
  }, deadlineMs)
}

/** Records that the group has not committed. */
export async function lagOf(admin: Admin, { group, topic }: ConsumedTopic): Promise<number> {
  const ends = await admin.fetchTopicOffsets(topic)
  const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  const offsetOf = new Map(
    committed?.partitions.map(({ partition, offset }) => [partition, Math.max(0, Number(offset))]),
  )
  return ends.reduce((sum, { partition, high }) => sum + Math.max(0, Number(high) - (offsetOf.get(partition) ?? 0)), 0)
}
