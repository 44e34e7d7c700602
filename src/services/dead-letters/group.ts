/**
 * Dead letters by what they have in common: the few lines that a person reads before deciding.
 */
import type { DeadLetterQueue } from '../../domain/dead-letter-queue.ts'
import { subjectOf, type DeadLetter, type Subject } from './dead-letter.ts'

export interface DeadLetterGroup extends Subject {
  queue: DeadLetterQueue
  reason: string
  count: number
  /** When it came to the dead letters, Unix ms. */
  oldestMs: number
  newestMs: number
  /** One of them, to be looked at: the newest. */
  example: { partition: number; offset: bigint }
}

export interface DeadLetterGroups {
  add(letter: DeadLetter): void
  /** The largest first. */
  list(): DeadLetterGroup[]
}

export function createDeadLetterGroups(): DeadLetterGroups {
  const groups = new Map<string, DeadLetterGroup>()

  function add(letter: DeadLetter): void {
    const { queue, reason, record } = letter
    const { partition, offset, timestampMs } = record
    const subject = subjectOf(letter)
    const key = JSON.stringify([queue, reason, subject.provider, subject.template, subject.category])
    const group = groups.get(key)
    if (group === undefined) {
      const example = { partition, offset }
      groups.set(key, { queue, reason, ...subject, count: 1, oldestMs: timestampMs, newestMs: timestampMs, example })
      return
    }
    group.count += 1
    group.oldestMs = Math.min(group.oldestMs, timestampMs)
    if (timestampMs < group.newestMs) return
    group.newestMs = timestampMs
    group.example = { partition, offset }
  }

  return { add, list: () => [...groups.values()].toSorted((one, other) => other.count - one.count) }
}
