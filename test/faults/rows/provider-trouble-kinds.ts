/**
 * The kinds of trouble that a provider can be, and what has to follow from each. A kind has the addresses that end in
 * its digit, so that one run shows all of them side by side, each with its outcome known beforehand.
 */
import type { FaultRule } from '../../../src/local/simulator/faults.ts'
import type { Story } from './delivery-stories.ts'

export interface TroubleKind {
  name: string
  /** The last one of its addresses. */
  digit: string
  /** How long it is in force; null for as long as the load lasts. */
  lastsMs: number | null
  fault: FaultRule['fault']
  follows: Consequence
}

export type Consequence =
  /** The call is none the worse for it. */
  | { kind: 'nothing' }
  /** A definite end. */
  | { kind: 'failed'; reason: string }
  | Again

interface Again {
  kind: 'again'
  /** What the provider says of the call that met the trouble. */
  verdict: Story['calls'][number]['verdict']
  status: 'retrying' | 'unknown'
  reason: string
  /** Attempts that it costs. */
  spends: 0 | 1
  rung: '10s' | '1m'
  /** Whether the caller learns of it only by its own time-out. */
  silent?: true
}

/** Below the first rung's ten seconds: what is tried again meets it no second time, and so does not climb. */
const burstMs = 8_000
/** Early enough that what waits for a minute is back within a minute of the load. */
const longRetryAfterMs = 3_000
/** Above the senders' time-out for a call, and below it. */
const tooLateMs = 4_000
export const slowMs = 2_000

const ambiguous = { kind: 'again', status: 'unknown', reason: 'ambiguous', spends: 1, rung: '10s' } as const
const refused = { kind: 'again', verdict: 'refused', status: 'retrying' } as const

/** Digit 0 is well. */
export const troubleKinds: readonly TroubleKind[] = [
  {
    name: '429 with Retry-After 3',
    digit: '1',
    lastsMs: null,
    fault: { kind: 'status', status: 429, retryAfterSeconds: 3 },
    follows: { ...refused, reason: 'throttled', spends: 0, rung: '10s' },
  },
  {
    name: '503',
    digit: '2',
    lastsMs: burstMs,
    fault: { kind: 'status', status: 503 },
    follows: { ...refused, reason: 'provider_unavailable', spends: 1, rung: '10s' },
  },
  {
    name: 'an answer after the time-out',
    digit: '3',
    lastsMs: burstMs,
    fault: { kind: 'latency', ms: tooLateMs },
    follows: { ...ambiguous, verdict: 'accepted', silent: true },
  },
  {
    name: 'a hang',
    digit: '4',
    lastsMs: burstMs,
    fault: { kind: 'hang', when: 'before' },
    follows: { ...ambiguous, verdict: 'none', silent: true },
  },
  {
    name: 'accepted and reset',
    digit: '5',
    lastsMs: burstMs,
    fault: { kind: 'reset', when: 'after' },
    follows: { ...ambiguous, verdict: 'accepted' },
  },
  {
    name: '502 of a proxy',
    digit: '6',
    lastsMs: burstMs,
    fault: { kind: 'html', status: 502 },
    follows: { ...refused, verdict: 'none', reason: 'unreadable_answer', spends: 1, rung: '10s' },
  },
  {
    name: 'a slow tail',
    digit: '7',
    lastsMs: null,
    fault: { kind: 'latency', distribution: { kind: 'tail', usualMs: 20, slowMs, slowShare: 0.2 } },
    follows: { kind: 'nothing' },
  },
  {
    name: '400 for good',
    digit: '8',
    lastsMs: null,
    // No route to this number: says nothing about the number itself, which would be struck off.
    fault: { kind: 'status', status: 400, code: 21612 },
    follows: { kind: 'failed', reason: 'recipient_unreachable' },
  },
  {
    name: '429 with Retry-After 15',
    digit: '9',
    lastsMs: longRetryAfterMs,
    fault: { kind: 'status', status: 429, retryAfterSeconds: 15 },
    follows: { ...refused, reason: 'throttled', spends: 0, rung: '1m' },
  },
]

/** A delivery as its row, the status topic, the retry topics and the provider's ledger have to tell it. */
export interface Told {
  row: string
  calls: readonly string[]
  statuses: readonly string[]
  rungs: readonly string[]
}

/** @param met how many of its calls came while the trouble was in force. */
export function expectedOf(follows: Consequence, met: number, unknownPolicy: string): Told {
  if (follows.kind === 'nothing' || met === 0) return sentAfter(0, undefined)
  if (follows.kind === 'failed') return endedAtOnce('refused', 'failed', follows.reason)
  const isHeld = follows.status === 'unknown' && unknownPolicy === 'hold'
  return isHeld ? endedAtOnce(follows.verdict, 'unknown', follows.reason) : sentAfter(met, follows)
}

function endedAtOnce(verdict: string, status: string, reason: string): Told {
  const row = `${status}/${reason}, hop 1, attempt 1`
  return { row, calls: [verdict], statuses: [`${status}/${reason} 1`], rungs: [] }
}

function sentAfter(tries: number, again: Again | undefined): Told {
  const each = again === undefined ? [] : Array.from({ length: tries }, () => again)
  const spent = each.reduce((sum, { spends }) => sum + spends, 1)
  return {
    row: `sent, hop ${tries + 1}, attempt ${spent}`,
    calls: [...each.map(({ verdict }) => verdict), 'accepted'],
    statuses: [
      ...each.map(({ status, reason, spends }, at) => `${status}/${reason} ${(at + 1) * spends}`),
      `sent ${spent}`,
    ],
    rungs: each.map(({ rung }) => rung),
  }
}
