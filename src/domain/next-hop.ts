/**
 * The record of a delivery's next hop, on the rung where it waits until it is due.
 *
 * It is published only over a row that waits (`retrying`) at `row.hop`, which is what makes `hop + 1` claimable.
 * Published twice it is one: the second finds its hop taken.
 */
import type { Channel, Lane } from './channel.ts'
import type { OutgoingRecord, RecordHeaders } from './record.ts'
import { deliveryHeaders, headerNames, traceHeaders } from './record-headers.ts'
import { rungFor } from './retry-ladder.ts'
import type { TopicNames } from './topic-names.ts'

export interface CommandRecord {
  key: Uint8Array | string | null
  /** The command's bytes. */
  value: Uint8Array | null
  /** Of the record that goes on; only its trace does. */
  headers: RecordHeaders
  channel: Channel
  lane: Lane
  redrives: number
}

export interface WaitingRow {
  hop: number
  attempt: number
  /** Unix ms; null for at once. */
  nextDueAtMs: number | null
}

export function nextHopRecord(
  command: CommandRecord,
  row: WaitingRow,
  { topics, nowMs }: { topics: TopicNames; nowMs: number },
): OutgoingRecord {
  const dueAtMs = row.nextDueAtMs ?? nowMs
  return {
    topic: topics.retry(command.lane, rungFor(dueAtMs, nowMs)),
    key: command.key,
    value: command.value,
    headers: {
      ...traceHeaders(command.headers),
      ...deliveryHeaders({ hop: row.hop + 1, attempt: row.attempt, dueAtMs, redrives: command.redrives }),
      [headerNames.channel]: command.channel,
    },
  }
}
