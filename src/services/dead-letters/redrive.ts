/**
 * What bringing one dead letter back comes to: the record to publish, or why it stays where it is.
 *
 * A command goes on from its row, never from its headers: the row's hop decides what a claim will answer, so a redrive
 * cannot send what was sent, and two redrives of one delivery are one hop. A request goes back as it was and is routed
 * as if new: a dead-lettered request never wrote its row. Nothing goes back that would only come here again.
 */
import { sourceTopicsOf } from '../../domain/dead-letter-queue.ts'
import { isFinal } from '../../domain/delivery-state.ts'
import { nextHopRecord } from '../../domain/next-hop.ts'
import type { OutgoingRecord } from '../../domain/record.ts'
import { deliveryHeaders, headerNames, readText, redrivenHeaders, traceHeaders } from '../../domain/record-headers.ts'
import type { StoredDelivery } from '../../domain/stored-delivery.ts'
import type { TopicNames } from '../../domain/topic-names.ts'
import type { DeadLetter } from './dead-letter.ts'

/**
 * - already_final: the delivery has ended otherwise since; its status says how.
 * - expired: its time is over; nothing may be sent.
 * - no_row: no row tells how it goes on.
 * - unreadable: its bytes cannot be read, now as then.
 * - bad_origin: it does not say which of the queue's source topics it came from.
 * - looping: it came back as often as is allowed.
 */
export const skipReasons = ['already_final', 'expired', 'no_row', 'unreadable', 'bad_origin', 'looping'] as const
export type SkipReason = (typeof skipReasons)[number]

export type RedrivePlan = { kind: 'publish'; record: OutgoingRecord } | { kind: 'skip'; reason: SkipReason }

export interface RedriveRules {
  topics: TopicNames
  /** What came back so often stays, so that nothing goes round for ever. */
  redrivesMax: number
  nowMs: number
}

export function planRedrive(letter: DeadLetter, rules: RedriveRules): RedrivePlan {
  // A count that cannot be read was written by somebody else; nobody knows how often it went round.
  const before = letter.redrives ?? rules.redrivesMax
  if (before >= rules.redrivesMax) return skip('looping')
  switch (letter.content.kind) {
    case 'unreadable':
      return skip('unreadable')
    case 'command':
      return planDelivery(letter, letter.content.command.expiresAt, before + 1, rules)
    case 'requested':
    case 'cancelled':
    case 'opaque':
      return planAsItWas(letter, before + 1, rules)
  }
}

function planDelivery(letter: DeadLetter, expiresAt: number, redrives: number, rules: RedriveRules): RedrivePlan {
  const { record, row } = letter
  const { topics, nowMs } = rules
  if (row === undefined) return skip('no_row')
  if (isFinal(row.state) && !isExhausted(row)) return skip('already_final')
  if (Math.min(expiresAt, row.expiresAtMs) <= nowMs) return skip('expired')
  const { channel, lane, hop, attempt } = row
  if (row.state === 'retrying') {
    const waiting = { ...record, channel, lane, redrives }
    return { kind: 'publish', record: nextHopRecord(waiting, row, { topics, nowMs }) }
  }
  // A claimed row is asked about again at its own hop: its lease is live, or has ended without a result.
  const nextHop = row.state === 'claimed' ? hop : hop + 1
  return {
    kind: 'publish',
    record: {
      topic: topics.deliveries(channel, lane),
      key: record.key,
      value: record.value,
      headers: {
        ...traceHeaders(record.headers),
        ...deliveryHeaders({ hop: nextHop, attempt, dueAtMs: null, redrives }),
      },
    },
  }
}

/** The one final state that a claim takes up again, over a record that an operator brought back. */
function isExhausted({ state, reason }: StoredDelivery): boolean {
  return state === 'failed' && reason === 'attempts_exhausted'
}

function planAsItWas({ queue, record }: DeadLetter, redrives: number, { topics }: RedriveRules): RedrivePlan {
  const sources = sourceTopicsOf(queue, topics)
  const topic = sources.length === 1 ? sources[0] : readText(record.headers, headerNames.originalTopic)
  if (topic === undefined || !sources.includes(topic)) return skip('bad_origin')
  const { key, value, headers } = record
  return { kind: 'publish', record: { topic, key, value, headers: redrivenHeaders(headers, redrives) } }
}

function skip(reason: SkipReason): RedrivePlan {
  return { kind: 'skip', reason }
}
