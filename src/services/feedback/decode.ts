/**
 * Stage 1, decode: values to feedback. What cannot be read, or could have no effect on anything, goes to the dead letters.
 */
import { createdAtMsOf, isUuid } from '../../domain/identity.ts'
import type { ProviderFeedback } from '../../domain/provider-feedback.ts'
import type { DeadLetterReason } from '../../domain/reason.ts'
import type { ConsumedRecord } from '../../domain/record.ts'
import type { FeedbackReader } from './ports.ts'

export interface Decoded {
  feedback: ProviderFeedback[]
  deadLetters: { record: ConsumedRecord; reason: DeadLetterReason }[]
}

export async function decode(records: readonly ConsumedRecord[], reader: FeedbackReader): Promise<Decoded> {
  const decoded: Decoded = { feedback: [], deadLetters: [] }
  const results = await reader.decode(records.map(({ value }) => value))
  for (const [index, record] of records.entries()) {
    const result = results[index]
    if (result === undefined) throw new Error('the reader answered fewer values than it was given')
    if (result.kind === 'poison') decoded.deadLetters.push({ record, reason: result.reason })
    else if (isUsable(result.feedback)) decoded.feedback.push(result.feedback)
    else decoded.deadLetters.push({ record, reason: 'data_error' })
  }
  return decoded
}

/** 9999-12-31, beyond which Postgres and Date part ways. */
const latestInstantMs = 253_402_214_400_000
const hashBytes = 32

function isUsable({ deliveryId, channel, addressHash, occurredAt, invalidSince }: ProviderFeedback): boolean {
  if (addressHash !== null && addressHash.length !== hashBytes) return false
  if (!isInstant(occurredAt) || !isInstant(invalidSince ?? 0)) return false
  if (deliveryId === null) return channel !== null && addressHash !== null
  return isUuid(deliveryId) && createdAtMsOf(deliveryId) < latestInstantMs
}

function isInstant(unixMs: number): boolean {
  return unixMs >= 0 && unixMs < latestInstantMs
}
