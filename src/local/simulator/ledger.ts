/**
 * The simulator's ground truth: every call that reached a provider, in the order of arrival, and what became of it.
 *
 * Append-only: an entry never changes, except that `answeredAtMs` is filled in once when the answer leaves. An entry
 * is there before its answer is, so whoever has an answer finds its call here. It holds addresses and bodies: the
 * simulator is local, and reconciliation and tests need them.
 */
import type { ReceivedCall, SimulatedProvider } from './simulator-server.ts'

/**
 * - accepted: the provider has the message, whether or not the caller ever hears so.
 * - refused: the provider definitely does not have it.
 * - none: it was never decided (hang, reset before accepting, a proxy's HTML); the provider does not have it.
 */
export const verdicts = ['accepted', 'refused', 'none'] as const
export type Verdict = (typeof verdicts)[number]

export interface LedgerEntry extends ReceivedCall {
  /** 1 for the first call, without gaps over all providers. */
  sequence: number
  receivedAtMs: number
  /** Null while the answer is delayed, and for ever if there is none. */
  answeredAtMs: number | null
  verdict: Verdict
  providerMessageId: string | null
  /** The HTTP status of the answer; null if the call gets none. */
  status: number | null
}

export interface LedgerFilter {
  provider?: SimulatedProvider
  verdict?: Verdict
  address?: string
  deliveryId?: string
  /** Only entries after this sequence number. */
  since?: number
}

export interface LedgerSummary {
  total: number
  /** Counts by provider and verdict; a provider without calls is absent. */
  providers: Partial<Record<SimulatedProvider, Record<Verdict, number>>>
}

export interface Ledger {
  /** @throws if the ledger is full. */
  record(entry: Omit<LedgerEntry, 'sequence' | 'answeredAtMs'>): LedgerEntry
  /** Notes when the answer to a call left, once. */
  answered(sequence: number, atMs: number): void
  /** In order of arrival, up to the call that is the last one when the iteration begins. */
  entries(filter?: LedgerFilter): Generator<LedgerEntry>
  summary(): LedgerSummary
}

/** About 1 GB of entries: far beyond the largest demo, and a full ledger is an error, not a silent loss. */
const maxEntries = 2_000_000

export function createLedger(options: { maxEntries?: number } = {}): Ledger {
  const limit = options.maxEntries ?? maxEntries
  const all: LedgerEntry[] = []
  const counts: LedgerSummary['providers'] = {}

  function record(call: Omit<LedgerEntry, 'sequence' | 'answeredAtMs'>): LedgerEntry {
    if (all.length >= limit) throw new Error(`The simulator's ledger is full (${limit} entries): restart it.`)
    const entry = { sequence: all.length + 1, ...call, answeredAtMs: null }
    all.push(entry)
    const count = (counts[call.provider] ??= { accepted: 0, refused: 0, none: 0 })
    count[call.verdict] += 1
    return entry
  }

  function answered(sequence: number, atMs: number): void {
    const entry = all[sequence - 1]
    if (entry !== undefined) entry.answeredAtMs ??= atMs
  }

  function* entries(filter: LedgerFilter = {}): Generator<LedgerEntry> {
    const end = all.length
    for (let index = filter.since ?? 0; index < end; index += 1) {
      const entry = all[index]
      if (entry !== undefined && matches(entry, filter)) yield entry
    }
  }

  function summary(): LedgerSummary {
    return { total: all.length, providers: structuredClone(counts) }
  }

  return { record, answered, entries, summary }
}

function matches(entry: LedgerEntry, filter: LedgerFilter): boolean {
  return (
    (filter.provider === undefined || entry.provider === filter.provider) &&
    (filter.verdict === undefined || entry.verdict === filter.verdict) &&
    (filter.address === undefined || entry.address === filter.address) &&
    (filter.deliveryId === undefined || entry.deliveryId === filter.deliveryId)
  )
}
