/**
 * Redis is killed while people are capped. Categories say what happens while nobody can count; these send. Before and
 * after, no window holds more than a cap allows; meanwhile everything is routed, uncounted, and somebody says so; and
 * afterwards it goes on as fast as before.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../supervisor/bench.ts'
import { bulkRoles, unplannedEnds, type FaultRow } from './fault-row.ts'
import {
  cappedEvents,
  declareCaps,
  deferrals,
  rolesBesideRouters,
  uncappedPeople,
  withUserCaps,
} from './capped-load.ts'
import { counted } from './told.ts'

/** A router looks for Redis every two seconds at the least. */
const findsBackWithinMs = 3_000
/** Of a machine that does much else. */
const sendLagMs = 2_000
const publishEveryMs = 100
/** What a rate is taken over. */
const rateSpanMs = 5_000
const lookEveryMs = 500
/** After the outage the rate is at least this share of what it was, within this time. */
const recoveredShare = 0.8
const recoveredWithinMs = 10_000
const settledWithinMs = 90_000

export const redisDownCapped: FaultRow = {
  name: 'redis-down-capped',
  fault: 'Redis down 20 s under caps',
  roles: [...bulkRoles.filter(({ name }) => name === 'router').map(withUserCaps), ...rolesBesideRouters],
  run: async (bench) => {
    declareCaps(bench)
    bench.schedule.sendLagMs = sendLagMs
    const load = steadyLoad(bench)
    const { faultMs } = bench
    await wait(faultMs - rateSpanMs)
    const before = await rateOver(bench, rateSpanMs)
    const complaints = (await deferrals(bench)) === 0 ? ['nobody had to wait: the caps were none'] : []
    const away = { fromMs: Date.now(), untilMs: Infinity }
    await bench.world.stack.kill('redis', 'SIGKILL')
    await wait(faultMs)
    if ((await uncappedPeople(bench, { ...away, untilMs: Date.now() })) === 0) {
      complaints.push('nobody was sent more than their cap while nobody counted: the fault was none')
    }
    await bench.world.stack.restart('redis')
    away.untilMs = Date.now() + findsBackWithinMs
    bench.schedule.capsAway = [away]
    complaints.push(...(await recovered(bench, before)))
    if ((await counted(bench, 'fanfare_cap_failures_total', { operation: 'reserve' })) === 0) {
      complaints.push('fanfare_cap_failures_total counts nothing')
    }
    await load
    await bench.untilSettled(settledWithinMs)
    return [...complaints, ...unplannedEnds(bench)]
  },
}

/** Evenly over the time before, during and after the outage. */
async function steadyLoad(bench: Bench): Promise<void> {
  const { load, events, faultMs } = bench
  const next = cappedEvents(bench)
  const startedMs = performance.now()
  while (load.published() < events) {
    const due = Math.ceil((events * (performance.now() - startedMs + publishEveryMs)) / (3 * faultMs))
    const count = Math.min(events, due) - load.published()
    if (count > 0) await load.publishEvents(next(count))
    await wait(publishEveryMs)
  }
}

/** Events decided for the first time, a second. */
async function rateOver(bench: Bench, spanMs: number): Promise<number> {
  const from = await decided(bench)
  await wait(spanMs)
  const to = await decided(bench)
  return ((to.count - from.count) * 1_000) / (to.atMs - from.atMs)
}

async function decided({ query }: Bench): Promise<{ count: number; atMs: number }> {
  const [row] = await query<{ count: number }>('select count(*)::integer as count from notifications')
  return { count: row?.count ?? 0, atMs: performance.now() }
}

async function recovered(bench: Bench, before: number): Promise<string[]> {
  const startedMs = performance.now()
  const looks = [await decided(bench)]
  let best = 0
  while (performance.now() - startedMs < recoveredWithinMs) {
    await wait(lookEveryMs)
    const now = await decided(bench)
    const then = looks.findLast(({ atMs }) => now.atMs - atMs >= rateSpanMs)
    looks.push(now)
    if (then === undefined) continue
    best = Math.max(best, ((now.count - then.count) * 1_000) / (now.atMs - then.atMs))
    if (best >= before * recoveredShare) {
      const elapsedMs = Math.round(now.atMs - startedMs)
      process.stdout.write(`        ${Math.round(best)}/s after ${elapsedMs} ms, ${Math.round(before)}/s before\n`)
      return []
    }
  }
  return [`at most ${best.toFixed(1)}/s within ${recoveredWithinMs} ms after the outage, ${before.toFixed(1)}/s before`]
}
