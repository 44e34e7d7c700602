/**
 * Dead letters, of which a test says only what matters to it.
 */
import type { ConsumedRecord } from '../../../src/domain/record.ts'
import { deadLetterHeaders } from '../../../src/domain/record-headers.ts'
import type { DeadLetter } from '../../../src/services/dead-letters/dead-letter.ts'
import { deliveryCommand } from './commands.ts'
import { aConsumedRecord } from './consumed-records.ts'
import { nowMs, request } from './requests.ts'
import { storedDelivery } from './stored-delivery.ts'

/** An SMS that ran out of attempts at hop 4, with its row. */
export function deadLetter(choices: Partial<DeadLetter> & { letter?: Partial<ConsumedRecord> } = {}): DeadLetter {
  const { letter, ...rest } = choices
  const source = aConsumedRecord({
    topic: 'notifications.sms.transactional',
    headers: { 'x-hop': '4', 'x-attempt': '2' },
  })
  const headers = deadLetterHeaders(source, 'attempts_exhausted', null)
  return {
    queue: 'sms',
    record: aConsumedRecord({ topic: 'notifications.sms.dlq', timestampMs: nowMs, headers, ...letter }),
    reason: 'attempts_exhausted',
    redrives: 0,
    content: { kind: 'command', command: deliveryCommand() },
    row: storedDelivery(),
    ...rest,
  }
}

/** A request that could not be read when it came, and can be now. */
export function requestedDeadLetter(choices: Partial<DeadLetter> = {}): DeadLetter {
  const source = aConsumedRecord({ topic: 'notifications.requested.bulk', headers: { 'x-pass': '2', custom: 'kept' } })
  return deadLetter({
    queue: 'requested',
    reason: 'unknown_schema_id',
    content: { kind: 'requested', event: request() },
    row: undefined,
    letter: { headers: deadLetterHeaders(source, 'unknown_schema_id', 'Error CODE') },
    ...choices,
  })
}
