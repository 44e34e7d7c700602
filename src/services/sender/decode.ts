/**
 * Stage 2, decode: from bytes and headers to jobs.
 */
import type { Channel } from '../../domain/channel.ts'
import type { DeliveryCommand } from '../../domain/delivery-command.ts'
import type { DeadLetterReason } from '../../domain/reason.ts'
import type { ConsumedRecord } from '../../domain/record.ts'
import { readDeliveryHeaders, type DeliveryHeaders } from '../../domain/record-headers.ts'
import type { CommandReader } from './ports.ts'

/** One record on its way through the stages. */
export interface Job {
  record: ConsumedRecord
  command: DeliveryCommand
  headers: DeliveryHeaders
}

export interface DecodedJobs {
  jobs: Job[]
  deadLetters: { record: ConsumedRecord; reason: DeadLetterReason }[]
}

export async function decode(
  records: readonly ConsumedRecord[],
  channel: Channel,
  reader: CommandReader,
): Promise<DecodedJobs> {
  const decoded = await reader.decode(records.map((record) => record.value))
  const chunk: DecodedJobs = { jobs: [], deadLetters: [] }
  for (const [index, record] of records.entries()) {
    const result = decoded[index]
    if (result === undefined) throw new Error('the reader answered for fewer values than it was given')
    const headers = readDeliveryHeaders(record.headers)
    if (result.kind === 'poison') chunk.deadLetters.push({ record, reason: result.reason })
    else if (headers === undefined) chunk.deadLetters.push({ record, reason: 'bad_header' })
    // Its address would go to a provider that takes it for something else.
    else if (result.command.channel !== channel) chunk.deadLetters.push({ record, reason: 'data_error' })
    else chunk.jobs.push({ record, command: result.command, headers })
  }
  return chunk
}
