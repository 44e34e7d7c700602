/**
 * Differences of topics as text for a terminal.
 */
import type { TopicDrift } from '../kafka/topic-drift.ts'

export function topicDriftText(drift: TopicDrift): string {
  if (drift.kind === 'missing') return `${drift.topic}: missing`
  const what = drift.kind === 'config' ? drift.key : drift.kind
  return `${drift.topic}: ${what} is ${drift.actual ?? 'not set'}, declared ${drift.expected ?? 'not set'}`
}
