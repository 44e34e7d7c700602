/**
 * Processes whose clocks are five minutes ahead or behind, two of a role in opposite directions. Postgres, Redis and
 * the brokers know the time.
 *
 * What one process takes for due another one may take for minutes away, so the row sees to it that nothing has to wait
 * for the difference: senders that are refused are behind, and the slow one of the retry processes goes before a long
 * wait is asked for.
 */
import type { Bench } from '../supervisor/bench.ts'
import { anotherOf, unplannedEnds, type FaultRow } from './fault-row.ts'
import { wired } from './wired-roles.ts'

const skewMs = 5 * 60_000
const ahead = { clockOffsetMs: skewMs }
const behind = { clockOffsetMs: -skewMs }

/**
 * Asked of a sender that is behind, this waits on the ten-minute rung, which is due five minutes and a jitter of less
 * than one later by the true time; a retry process that is ahead takes it for due after the jitter. Earlier would be
 * earlier than the skew excuses.
 */
const longRetryAfterSeconds = 300
const longWaits = 12
const longWaitsLimitMs = 85_000
/** When such an event is published it has expired, by the true time. */
const expiredAgoMs = 1_000
const expiredLifeMs = 9_000

export const clockSkew: FaultRow = {
  name: 'clock-skew',
  fault: 'Process clock ±5 min (Postgres and Redis unshifted)',
  roles: [
    wired(anotherOf('router', 'router'), ahead),
    wired(anotherOf('router', 'router-2'), behind),
    wired(anotherOf('sender-sms', 'sender-sms'), ahead),
    wired(anotherOf('sender-sms', 'sender-sms-2'), behind),
    wired(anotherOf('sender-email', 'sender-email'), behind),
    wired(anotherOf('sender-ios', 'sender-ios'), behind),
    wired(anotherOf('retry', 'retry'), ahead),
    wired(anotherOf('retry', 'retry-2'), behind),
  ],
  run: async (bench) => {
    const { events, load, schedule, faultMs } = bench
    schedule.skewAllowedMs = skewMs
    await load.publishEvents(Array.from({ length: Math.floor(events / 10) }, () => expired(bench)))
    refuse(bench, 1)
    await load.spread(events - load.published() - longWaits, faultMs)
    bench.simulator.faults.clear()
    return [...(await longWaitsKept(bench)), ...(await sentExpired(bench)), ...unplannedEnds(bench)]
  },
}

/** Routers and senders that are behind take it for alive. */
function expired({ load }: Bench) {
  const expiresAt = Date.now() - expiredAgoMs
  return load.message({ channels: ['sms'], createdAt: expiresAt - expiredLifeMs, expiresAt })
}

function refuse({ simulator }: Bench, retryAfterSeconds: number): void {
  const fault = { kind: 'status', status: 503, retryAfterSeconds } as const
  simulator.faults.add(
    { provider: 'sendgrid', match: { address: '7@example.com' }, fault },
    { provider: 'apns', match: { address: '3' }, fault },
  )
}

async function longWaitsKept(bench: Bench): Promise<string[]> {
  const { load, simulator } = bench
  const { code, signal } = await bench.role('retry-2').terminate()
  const complaints = code === 0 ? [] : [`retry-2 ended with ${code ?? signal}`]
  const fault = { kind: 'status', status: 503, retryAfterSeconds: longRetryAfterSeconds } as const
  simulator.faults.add({ provider: 'sendgrid', times: longWaits, fault })
  await load.publishEvents(Array.from({ length: longWaits }, () => load.message({ channels: ['email'] })))
  if (!(await bench.untilSettled(longWaitsLimitMs))) complaints.push('the long waits were not over in time')
  if (simulator.faults.rules().length > 0) complaints.push('not all long waits were asked for: the row shows nothing')
  return complaints
}

/** The claim asks Postgres's clock, whatever the process believes. */
async function sentExpired(bench: Bench): Promise<string[]> {
  const [counts] = await bench.query<{ planned: number; sent: number }>(
    `select count(*)::integer as planned, count(*) filter (where state = 'sent')::integer as sent
     from deliveries where expires_at - created_at <= interval '${expiredLifeMs} milliseconds'`,
  )
  if (counts === undefined || counts.planned === 0)
    return ['no router took the expired for alive: the row shows nothing']
  return counts.sent === 0 ? [] : [`${counts.sent} were sent although they had expired`]
}
