/**
 * UTC midnight passes in the middle of chunks: routers die between record and forward just before it and get the same
 * chunks again on the next day, and so does a retry process what became due meanwhile.
 *
 * The clocks of all roles are put back so that the last midnight comes during the run. Events of both days lie mixed on
 * the topic, so that every chunk holds both, and a router that dies after its first record statement has recorded one
 * day of its chunk and not the other.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../supervisor/bench.ts'
import { waitUntil } from '../../../src/local/stack/wait-until.ts'
import { anotherOf, bulkRoles, unplannedEnds, type FaultRow } from './fault-row.ts'
import { wired } from './wired-roles.ts'

const dayMs = 86_400_000
/** From the moment at which the roles begin to start: they are up by then. */
const midnightAfterMs = 45_000
/** So long before midnight the load begins, and the routers begin to die. */
const beginsBeforeMs = 14_000
const crashesBeforeMs = 4_000
/** On either side of midnight the events are created. */
const createdAroundMs = 5_000
/** Postgres goes on with the true time: what was created at the last midnight must not have expired. */
const timeToLive = '3 days'
const crashesLimitMs = 60_000
const routers = ['router', 'router-2']
const retries = ['retry', 'retry-2']

export const midnight: FaultRow = {
  name: 'midnight',
  fault: 'Midnight crossed mid-chunk with a kill',
  roles: (openedAtMs) => {
    const clock = { clockOffsetMs: offsetOf(openedAtMs) }
    const crashesNotBeforeMs = openedAtMs + midnightAfterMs - crashesBeforeMs
    const deaths = { crashesAt: ['after-record', 'after-forward'] as const, crashesNotBeforeMs }
    return [
      ...routers.map((name) => wired(anotherOf('router', name), { ...clock, ...deaths })),
      ...retries.map((name) => wired(anotherOf('retry', name), clock)),
      ...bulkRoles.filter(({ command }) => command[0] === 'sender').map((spec) => wired(spec, clock)),
    ]
  },
  run: async (bench) => {
    const { events, load, openedAtMs, simulator } = bench
    const midnightAtMs = openedAtMs + midnightAfterMs
    if (Date.now() > midnightAtMs - beginsBeforeMs) return ['the roles were not up before midnight']
    await bench.query(`update categories set time_to_live_seconds = extract(epoch from interval '${timeToLive}')`)
    const third = Math.floor(events / 3)
    refuseSome(bench)
    await until(midnightAtMs - beginsBeforeMs)
    await publish(bench, third)
    await until(midnightAtMs - crashesBeforeMs)
    await publish(bench, third)
    await until(midnightAtMs)
    await Promise.all(retries.map((name) => bench.kill(name)))
    await Promise.all([...retries.map((name) => bench.role(name).start()), publish(bench, events - load.published())])
    const died = await waitUntil(() => crashesOf(bench) === 2 * routers.length, { timeoutMs: crashesLimitMs })
    simulator.faults.clear()
    return [
      ...(died.met ? [] : ['not every router died twice: the row shows nothing']),
      ...(await withoutCrossing(bench, midnightAtMs)),
      ...unplannedEnds(bench),
    ]
  },
}

/** From the true time to one at which the last midnight comes when it shall. */
function offsetOf(openedAtMs: number): number {
  const midnightAtMs = openedAtMs + midnightAfterMs
  return -(midnightAtMs % dayMs)
}

async function publish({ load, openedAtMs, random }: Bench, count: number): Promise<void> {
  const dayBeganMs = openedAtMs + midnightAfterMs + offsetOf(openedAtMs)
  const createdAt = () => Math.round(dayBeganMs + (random() * 2 - 1) * createdAroundMs)
  await load.publishEvents(Array.from({ length: count }, () => load.message({ createdAt: createdAt() })))
}

/** With a time named it stays on the first rung: due about midnight. */
function refuseSome({ simulator }: Bench): void {
  const fault = { kind: 'status', status: 503, retryAfterSeconds: 5 } as const
  simulator.faults.add(
    { provider: 'twilio', match: { address: '3' }, fault },
    { provider: 'sendgrid', match: { address: '7@example.com' }, fault },
  )
}

function crashesOf(bench: Bench): number {
  return routers.reduce((sum, name) => sum + bench.role(name).crashes().length, 0)
}

/** A chunk of both days that was begun on the first and repeated on the second. */
async function withoutCrossing({ schedule, query }: Bench, midnightAtMs: number): Promise<string[]> {
  const before = schedule.kills.filter(({ role, atMs }) => role.startsWith('router') && atMs < midnightAtMs)
  const days = await query<{ day: string }>('select distinct day::text from notifications')
  return [
    ...(before.length === routers.length
      ? []
      : [`${before.length} routers died before midnight: the row shows nothing`]),
    ...(days.length === 2 ? [] : [`events of ${days.length} days: the row shows nothing`]),
  ]
}

async function until(atMs: number): Promise<void> {
  await wait(Math.max(0, atMs - Date.now()))
}
