/**
 * The lag of consumer groups as the brokers know it: also of groups that nobody is a member of, which no metric tells.
 */
import type { Admin } from 'kafkajs'
import { AssignerProtocol } from './kafkajs.ts'

export interface ReadGroup {
  group: string
  topics: readonly string[]
}

export interface GroupMemberSeen {
  clientId: string
  host: string
  /** Of the topic. */
  partitions: number[]
}

/** One group and topic at one moment. */
export interface GroupLag {
  group: string
  topic: string
  /** As the coordinator calls it: `Stable`, `Empty`, `Dead` where there is no such group; `TopicMissing` is ours. */
  state: string
  /** Records that the group has not committed. */
  lag: number
  /** The sum of the committed positions: two of them at two moments make a rate. */
  committed: number
  members: GroupMemberSeen[]
  /** Partitions that no member owns. */
  unowned: number
}

/** In the order of the groups and of their topics. A group that has never committed has everything before it. */
export async function readGroupLags(admin: Admin, groups: readonly ReadGroup[]): Promise<GroupLag[]> {
  const described = await admin.describeGroups(groups.map(({ group }) => group))
  const descriptionOf = new Map(described.groups.map((each) => [each.groupId, each]))
  // Asking about a topic that does not exist is retried for seconds.
  const existing = new Set(await admin.listTopics())
  const lags: GroupLag[] = []
  for (const { group, topics } of groups) {
    const members = (descriptionOf.get(group)?.members ?? []).map(seenMember)
    const state = descriptionOf.get(group)?.state ?? 'Dead'
    const present = topics.filter((topic) => existing.has(topic))
    const offsets = present.length === 0 ? [] : await admin.fetchOffsets({ groupId: group, topics: present })
    // One after the other: asked about several topics at once, kafkajs may lose the metadata of one.
    for (const topic of topics) {
      const ends = existing.has(topic) ? await admin.fetchTopicOffsets(topic) : []
      const committed = offsets.find((each) => each.topic === topic)?.partitions ?? []
      const positions = ends.map(({ partition, low }) => positionOf(committed, partition, low))
      const owned = members.flatMap(({ partitionsOf, ...member }) => {
        const partitions = partitionsOf[topic] ?? []
        return partitions.length === 0 ? [] : [{ ...member, partitions: partitions.toSorted((a, b) => a - b) }]
      })
      lags.push({
        group,
        topic,
        state: existing.has(topic) ? state : 'TopicMissing',
        lag: sum(ends.map(({ high }, index) => Math.max(0, Number(high) - (positions[index] ?? 0)))),
        committed: sum(positions),
        members: owned,
        unowned: ends.length - sum(owned.map(({ partitions }) => partitions.length)),
      })
    }
  }
  return lags
}

function positionOf(
  committed: readonly { partition: number; offset: string }[],
  partition: number,
  low: string,
): number {
  const offset = Number(committed.find((each) => each.partition === partition)?.offset ?? -1)
  // A group begins at the log's start, and what retention has deleted is not there to be read.
  return Math.max(offset, Number(low))
}

function seenMember(member: { clientId: string; clientHost: string; memberAssignment: Buffer }) {
  // While a group rebalances its members have no assignment.
  const assignment =
    member.memberAssignment.length === 0 ? null : AssignerProtocol.MemberAssignment.decode(member.memberAssignment)
  return { clientId: member.clientId, host: member.clientHost, partitionsOf: assignment?.assignment ?? {} }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
