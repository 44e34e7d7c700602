/**
 * Every point at which a process can die, three times each, under load: not when a signal happens to arrive, but exactly
 * between two steps.
 *
 * Members of a group die round for round together, since the group waits for a dead member's session anyway. Which point
 * a member dies at first differs from one to the next, so that a round meets several points.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../supervisor/bench.ts'
import type { RoleSpec } from '../supervisor/supervised-role.ts'
import { crashPointsOf, type CrashPoint } from '../wiring/crash.ts'
import { anotherOf, bulkRoles, unplannedEnds, type FaultRow } from './fault-row.ts'
import { shortAnswerTimeoutMs, withShortLeases } from './sender-lease.ts'
import { wired } from './wired-roles.ts'

const routers = ['router', 'router-2', 'router-3'].map((name) => anotherOf('router', name))
const senders = bulkRoles.filter(({ command }) => command[0] === 'sender')
const retry = anotherOf('retry', 'retry')
const retryCrashes = 3

const doomed: readonly RoleSpec[] = withShortLeases([
  ...routers.map((spec, index) => wired(spec, { crashesAt: beginningWith(index, crashPointsOf('router')) })),
  ...senders.map((spec, index) => wired(spec, { crashesAt: beginningWith(index, crashPointsOf('sender')) })),
  wired(retry, { crashesAt: Array.from({ length: retryCrashes }, () => 'after-publish' as const) }),
])

/** The load goes on until the last of them has died, evenly over about the time that it takes. */
const publishEveryMs = 500
const usualMs = 50_000
const crashesLimitMs = 150_000
const trickle = 4

export const crashPoints: FaultRow = {
  name: 'crash-points',
  fault: `SIGKILL at every crash point ×3: router 4 points, sender 5, retry 1`,
  roles: doomed,
  run: async (bench) => {
    const { events, load, schedule } = bench
    schedule.answerTimeoutMs = shortAnswerTimeoutMs
    refuseSome(bench)
    const atOnce = Math.ceil((events * publishEveryMs) / usualMs)
    const deadlineMs = performance.now() + crashesLimitMs
    while (alive(bench).length > 0 && performance.now() < deadlineMs) {
      await load.publish(Math.max(trickle, Math.min(atOnce, events - load.published())))
      await wait(publishEveryMs)
    }
    bench.simulator.faults.clear()
    if (load.published() < events) await load.publish(events - load.published())
    return [...alive(bench), ...unplannedEnds(bench)]
  },
}

/** Who has not died at each of its points, a sentence each. */
function alive(bench: Bench): string[] {
  return doomed.flatMap(({ name, crashesAt = [] }) => {
    const open = crashesAt.slice(bench.role(name).crashes().length)
    return open.length === 0 ? [] : [`${name} did not die ${open.join(', ')}`]
  })
}

/** Something always waits for the retry role. With a time named, it costs no attempt and stays on the first rung. */
function refuseSome({ simulator }: Bench): void {
  const fault = { kind: 'status', status: 503, retryAfterSeconds: 5 } as const
  simulator.faults.add(
    { provider: 'twilio', match: { address: '3' }, fault },
    { provider: 'sendgrid', match: { address: '7@example.com' }, fault },
  )
}

function beginningWith(index: number, points: readonly CrashPoint[]): CrashPoint[] {
  return [...points.slice(index), ...points.slice(0, index)]
}
