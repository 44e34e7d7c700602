/**
 * Stage 1, decode: from records to what each says about its person. Whatever cannot be right goes to the dead letters
 * whole: half of a person's data would be a lie about the other half.
 */
import type { DeadLetterReason } from '../../domain/reason.ts'
import type { ConsumedRecord } from '../../domain/record.ts'
import { parseUserId } from '../../domain/user-id.ts'
import { faultyFieldOf, type UserChanged } from '../../domain/user-changed.ts'
import type { ProfilesPorts } from './ports.ts'

export type Word = { kind: 'changed'; change: UserChanged } | { kind: 'erased'; userId: number }

export interface DecodedChunk {
  /** In the order of the records. */
  words: Word[]
  deadLetters: { record: ConsumedRecord; reason: DeadLetterReason; error: string | null }[]
}

export async function decode(
  records: readonly ConsumedRecord[],
  ports: Pick<ProfilesPorts, 'decode'>,
): Promise<DecodedChunk> {
  const decoded = await ports.decode(records.flatMap(({ value }) => value ?? []))
  const chunk: DecodedChunk = { words: [], deadLetters: [] }
  let next = 0
  for (const record of records) {
    const refuse = (reason: DeadLetterReason, error: string | null) =>
      void chunk.deadLetters.push({ record, reason, error })
    const userId = userIdOfKey(record)
    if (record.value === null) {
      if (userId === undefined) refuse('data_error', 'key')
      else chunk.words.push({ kind: 'erased', userId })
      continue
    }
    const result = decoded[next]
    next += 1
    if (result === undefined) throw new Error('the reader answered for fewer values than it was given')
    if (result.kind === 'poison') {
      refuse(result.reason, null)
      continue
    }
    // Compaction keeps the last record of a key: under another's it would drop that person's, and none would erase this.
    const faulty = userId === result.change.userId ? faultyFieldOf(result.change) : 'key'
    if (faulty === undefined) chunk.words.push(result)
    else refuse('data_error', faulty)
  }
  return chunk
}

function userIdOfKey({ key }: ConsumedRecord): number | undefined {
  return key === null ? undefined : parseUserId(textDecoder.decode(key))
}

const textDecoder = new TextDecoder()
