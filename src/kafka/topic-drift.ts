/**
 * What tells the topics of a cluster from the topics that it should have. Pure: `topic-administration.ts` observes
 * and repairs.
 */
import type { TopicDefinition } from './topic-files.ts'

/** A topic as the cluster has it; `config` holds only what was set on the topic itself. */
export type ObservedTopic = TopicDefinition

export type TopicDrift =
  | { kind: 'missing'; topic: string }
  | { kind: 'partitions'; topic: string; expected: number; actual: number }
  | { kind: 'replicas'; topic: string; expected: number; actual: number }
  /** Undefined where one side leaves the key to the broker's default. */
  | { kind: 'config'; topic: string; key: string; expected: string | undefined; actual: string | undefined }

/** Every difference, topic by topic in the wanted order. Topics that nobody wanted are nobody's business here. */
export function compareTopics(wanted: readonly TopicDefinition[], observed: readonly ObservedTopic[]): TopicDrift[] {
  const observedByName = new Map(observed.map((topic) => [topic.name, topic]))
  return wanted.flatMap((definition) => {
    const actual = observedByName.get(definition.name)
    return actual === undefined ? [{ kind: 'missing', topic: definition.name }] : compareTopic(definition, actual)
  })
}

/**
 * Whether applying the files may put it right. Partitions cannot be taken away without their records, and a
 * replication factor is changed by a reassignment, which the cluster's owner plans.
 */
export function isRepairable(drift: TopicDrift): boolean {
  switch (drift.kind) {
    case 'missing':
    case 'config':
      return true
    case 'partitions':
      return drift.actual < drift.expected
    case 'replicas':
      return false
  }
}

function compareTopic(expected: TopicDefinition, actual: ObservedTopic): TopicDrift[] {
  const topic = expected.name
  const drifts: TopicDrift[] = []
  if (expected.partitions !== actual.partitions) {
    drifts.push({ kind: 'partitions', topic, expected: expected.partitions, actual: actual.partitions })
  }
  if (expected.replicas !== actual.replicas) {
    drifts.push({ kind: 'replicas', topic, expected: expected.replicas, actual: actual.replicas })
  }
  for (const key of new Set([...Object.keys(expected.config), ...Object.keys(actual.config)])) {
    if (expected.config[key] === actual.config[key]) continue
    drifts.push({ kind: 'config', topic, key, expected: expected.config[key], actual: actual.config[key] })
  }
  return drifts
}
