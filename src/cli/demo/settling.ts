/**
 * Waiting until every event is settled: each has a final decision, but for those that are to wait longer than the demo
 * lasts, and each of their deliveries a final state.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isFinal } from '../../domain/delivery-state.ts'
import { isSent } from '../../local/reconciliation/deliveries.ts'
import type { Tally } from '../../postgres/audit.ts'

export interface Progress {
  decided: number
  deferred: number
  /** Deliveries by where they are. */
  sent: number
  open: number
  /** Final and not sent. */
  ended: number
}

export interface SettlingOptions {
  /** Events in all. */
  events: number
  /** How many of them are to wait in the end. */
  waiting: number
  readTally(): Promise<Tally>
  /** Sees every reading; throws to end the wait. */
  onProgress(progress: Progress): void
}

const pollMs = 500
/** So long without any change is the end of it. */
const stallLimitMs = 60_000

/** @returns undefined once everything is settled, or what is missing when nothing has changed for a minute. */
export async function untilSettled(options: SettlingOptions): Promise<string | undefined> {
  const { events, waiting, readTally, onProgress } = options
  let last = ''
  let changedAtMs = performance.now()
  for (;;) {
    const progress = progressOf(await readTally())
    onProgress(progress)
    if (progress.decided >= events - waiting && progress.open === 0) return undefined
    const now = JSON.stringify(progress)
    if (now !== last) changedAtMs = performance.now()
    if (performance.now() - changedAtMs > stallLimitMs) return missingText(options, progress)
    last = now
    await sleep(pollMs)
  }
}

function progressOf({ notifications, deliveries }: Tally): Progress {
  const progress: Progress = { decided: 0, deferred: 0, sent: 0, open: 0, ended: 0 }
  for (const { decision, count } of notifications) {
    progress[decision === 'deferred' ? 'deferred' : 'decided'] += count
  }
  for (const { state, count } of deliveries) {
    if (!isFinal(state)) progress.open += count
    else if (isSent({ state })) progress.sent += count
    else progress.ended += count
  }
  return progress
}

function missingText({ events, waiting }: SettlingOptions, { decided, deferred, open }: Progress): string {
  const undecided = events - decided - deferred
  return [
    `nothing has moved for ${stallLimitMs / 1_000} s:`,
    `${undecided} events without a decision, ${deferred} deferred (${waiting} are to be), ${open} deliveries that are not final`,
  ].join(' ')
}
