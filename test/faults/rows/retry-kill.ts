/**
 * SIGKILL of retry processes while records wait on their rung and become due.
 *
 * A share of the addresses is refused for a while: first without a word about when, which goes up the ladder, then with
 * a Retry-After, which stays on the first rung however often it happens.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../supervisor/bench.ts'
import { anotherOf, bulkRoles, unplannedEnds, type FaultRow } from './fault-row.ts'

const volleys = 5
const retries = ['retry', 'retry-2']
/** Below the first rung's ten seconds: nothing is refused without a time twice, or it would wait for a minute. */
const plainRefusalsMs = 8_000
/** Between one volley and the next. */
const betweenVolleysMs = 3_000

export const retryKill: FaultRow = {
  name: 'retry-kill',
  fault: `SIGKILL retry ×${volleys * retries.length}`,
  roles: [...bulkRoles, anotherOf('retry', 'retry-2')],
  run: async (bench) => {
    const { events, random, load } = bench
    refuse(bench)
    await load.spread(Math.floor(events / 3), plainRefusalsMs)
    refuse(bench, 6)
    let whileWaiting = 0
    const rest = load.spread(events - load.published(), volleys * betweenVolleysMs)
    for (let volley = 0; volley < volleys; volley += 1) {
      await wait(betweenVolleysMs / 2)
      await Promise.all(
        retries.map(async (name) => {
          await wait((random() * betweenVolleysMs) / 2)
          await bench.kill(name)
        }),
      )
      if ((await bench.lag('fanfare.retry.bulk')) > 0) whileWaiting += 1
      await Promise.all(retries.map((name) => bench.role(name).start()))
    }
    await rest
    bench.simulator.faults.clear()
    const isMeant = whileWaiting === volleys
    const complaints = isMeant ? [] : [`records waited at only ${whileWaiting} of ${volleys} volleys`]
    return [...complaints, ...unplannedEnds(bench)]
  },
}

/** Two addresses of ten, and about as many device tokens, from now on. */
function refuse({ simulator }: Bench, retryAfterSeconds?: number): void {
  const fault = {
    kind: 'status' as const,
    status: 503,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  }
  simulator.faults.clear()
  simulator.faults.add(
    ...['3', '7'].flatMap((digit) => [
      { provider: 'twilio' as const, match: { address: digit }, fault },
      { provider: 'sendgrid' as const, match: { address: `${digit}@example.com` }, fault },
      { provider: 'apns' as const, match: { address: digit }, fault },
    ]),
  )
}
