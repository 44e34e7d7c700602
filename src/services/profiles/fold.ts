/**
 * Stage 2, fold: what a chunk comes to for each person. A record without a value takes back all that was said before it;
 * of what is said after it the highest version counts.
 */
import type { UserChanged } from '../../domain/user-changed.ts'
import type { Word } from './decode.ts'

export interface FoldedChunk {
  /** Users who are to be erased, first: one who is among the changes too comes back as somebody new. */
  erased: number[]
  changes: UserChanged[]
}

export function fold(words: readonly Word[]): FoldedChunk {
  const erased = new Set<number>()
  const changes = new Map<number, UserChanged>()
  for (const word of words) {
    if (word.kind === 'erased') {
      erased.add(word.userId)
      changes.delete(word.userId)
      continue
    }
    const { change } = word
    const before = changes.get(change.userId)
    if (before === undefined || before.version < change.version) changes.set(change.userId, change)
  }
  return { erased: [...erased], changes: [...changes.values()] }
}
