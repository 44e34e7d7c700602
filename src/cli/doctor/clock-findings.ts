/**
 * How far other clocks are from this process's. Leases and what waits go by Postgres's, places under caps by Redis's, retries
 * and expiries by the processes': where they disagree, something is early or late by as much.
 *
 * A broker tells its clock to nobody; the requested topics hold its timestamps, for whoever wants to compare.
 */
import { fault, ok, type Finding } from './finding.ts'

/** Machines whose clocks are kept by NTP are within some hundredths of a second. */
export const clockSkewMaxMs = 2_000

export interface ClockReading {
  /** By how much the other one is ahead. */
  aheadMs: number
  /** Half of the round trip: so far it may be from that. */
  uncertaintyMs: number
}

const samples = 5

/** Asks some times and keeps the answer that took least, which tells most. */
export async function readClock(ask: () => Promise<number>, now: () => number): Promise<ClockReading> {
  let best: ClockReading | undefined
  for (let sample = 0; sample < samples; sample += 1) {
    const askedAtMs = now()
    const theirMs = await ask()
    const answeredAtMs = now()
    const uncertaintyMs = (answeredAtMs - askedAtMs) / 2
    if (best === undefined || uncertaintyMs < best.uncertaintyMs) {
      best = { aheadMs: theirMs - askedAtMs - uncertaintyMs, uncertaintyMs }
    }
  }
  if (best === undefined) throw new Error('a clock was read no time at all')
  return best
}

export function clockFinding(whose: 'Postgres' | 'Redis', { aheadMs, uncertaintyMs }: ClockReading): Finding {
  const direction = aheadMs < 0 ? 'behind' : 'ahead of'
  const what = `${whose} is ${secondsText(Math.abs(aheadMs))} ${direction} this machine (± ${secondsText(uncertaintyMs)})`
  if (Math.abs(aheadMs) - uncertaintyMs <= clockSkewMaxMs) return ok('clocks', what)
  return fault('clocks', what, 'keep the clocks of both by NTP (chrony, systemd-timesyncd) and look which one is wrong')
}

function secondsText(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`
}
