/**
 * The commits of groups as the broker logged them: records of `__consumer_offsets`, an internal format that Kafka
 * documents in OffsetCommitKey.json and OffsetCommitValue.json of its sources. Short runs are never compacted, so all of
 * them are there.
 */
import type { Commit } from './observations.ts'
import type { TopicRecord } from './topic-contents.ts'

export const commitTopic = '__consumer_offsets'

/** Keys of versions 0 and 1 are commits; others are about the group itself. */
const lastCommitVersion = 1

/** The commits of groups whose name begins with the prefix, those of a group in their order. */
export function readCommits(records: readonly TopicRecord[], groupPrefix: string): Commit[] {
  return records.flatMap(({ key, value, timestampMs }) => {
    if (key === null || value === null) return []
    const place = placeOf(Buffer.from(key))
    if (place === undefined || !place.group.startsWith(groupPrefix)) return []
    // The value begins with its own version, two bytes; the offset follows in all versions.
    return [{ ...place, offset: Buffer.from(value).readBigInt64BE(2), committedAt: timestampMs }]
  })
}

function placeOf(key: Buffer): Pick<Commit, 'group' | 'topic' | 'partition'> | undefined {
  if (key.readInt16BE(0) > lastCommitVersion) return undefined
  const group = readText(key, 2)
  const topic = readText(key, group.end)
  return { group: group.text, topic: topic.text, partition: key.readInt32BE(topic.end) }
}

function readText(bytes: Buffer, at: number): { text: string; end: number } {
  const end = at + 2 + bytes.readInt16BE(at)
  return { text: bytes.toString('utf8', at + 2, end), end }
}
