/**
 * Which dead letters an operator means.
 */
import { subjectOf, type DeadLetter, type Subject } from './dead-letter.ts'

export interface DeadLetterFilter extends Partial<Record<keyof Subject, string>> {
  reason?: string
  /** Unix ms: dead-lettered at or after. */
  sinceMs?: number
  /** Unix ms: dead-lettered before. */
  untilMs?: number
}

export function matches(letter: DeadLetter, filter: DeadLetterFilter): boolean {
  const { reason, sinceMs, untilMs, ...wanted } = filter
  const { timestampMs } = letter.record
  if (reason !== undefined && letter.reason !== reason) return false
  if (sinceMs !== undefined && timestampMs < sinceMs) return false
  if (untilMs !== undefined && timestampMs >= untilMs) return false
  const subject = subjectOf(letter)
  return subjectWords.every((word) => wanted[word] === undefined || wanted[word] === subject[word])
}

const subjectWords = ['provider', 'template', 'category'] as const
