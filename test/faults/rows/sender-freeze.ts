/**
 * A sender that is stopped in the middle of its calls, for longer than its session and its leases, and then goes on as
 * if nothing had happened: its results come too late, and so do its commits.
 *
 * Which moment it is stopped at nobody can choose: between the answer to a claim and its call, it finds its lease at an
 * end when it goes on, asks again and calls nobody, and nothing comes too late. Such a freeze is tried again.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { waitUntil } from '../../../src/local/stack/wait-until.ts'
import type { Bench } from '../supervisor/bench.ts'
import type { SupervisedRole } from '../supervisor/supervised-role.ts'
import { anotherOf, bulkRoles, unplannedEnds, type FaultRow } from './fault-row.ts'
import { shortAnswerTimeoutMs, withShortLeases } from './sender-lease.ts'

/** Of these a result has to come too late. */
const freezesThatShow = 3
const freezesMax = 8
const senders = ['sender-sms', 'sender-sms-2']
/** Of both senders together. */
const callsWhenFrozen = 12
const callingLimitMs = 20_000
const callsPollMs = 20
/** Below the shortest answer: what was being called is still being called. */
const freezeWithinMs = 150
const answersMs = { fromMs: 300, toMs: 900 }
/** For the session, a lease, and once round the first rung, where somebody asked before the lease had ended. */
const movedOnLimitMs = 45_000
/** A thawed sender settles all that it held, or its results are lost for good. */
const lateResultLimitMs = 10_000
const rejoinLimitMs = 30_000

export const senderFreeze: FaultRow = {
  name: 'sender-freeze',
  fault: 'SIGSTOP a sender past session and lease, then SIGCONT',
  roles: withShortLeases([...bulkRoles, anotherOf('sender-sms', 'sender-sms-2')]),
  run: async (bench) => {
    const { events, load, schedule, simulator } = bench
    schedule.answerTimeoutMs = shortAnswerTimeoutMs
    simulator.faults.setBaseLatency('twilio', { kind: 'uniform', ...answersMs })
    const complaints: string[] = []
    let shown = 0
    for (let freeze = 0; freeze < freezesMax && shown < freezesThatShow; freeze += 1) {
      await load.publish(Math.floor(events / (freezesMax + 1)))
      const seen = await freezeAndThaw(bench, senders[freeze % senders.length] ?? 'sender-sms')
      shown += seen.lateResults > 0 ? 1 : 0
      complaints.push(...seen.complaints)
    }
    // Nobody is frozen any more: the rest neither needs slow answers nor may wait for them until it is given up.
    simulator.faults.clear()
    await load.spread(events - load.published(), bench.faultMs)
    if (shown < freezesThatShow) complaints.push(`only ${shown} of ${freezesMax} freezes were followed by late results`)
    return [...complaints, ...unplannedEnds(bench)]
  },
}

interface Freeze {
  lateResults: number
  complaints: string[]
}

async function freezeAndThaw(bench: Bench, name: string): Promise<Freeze> {
  const role = bench.role(name)
  const isCalling = () => openCalls(bench) >= callsWhenFrozen
  const calling = await waitUntil(isCalling, { timeoutMs: callingLimitMs, intervalMs: callsPollMs })
  if (!calling.met) return { lateResults: 0, complaints: [`nobody called within ${callingLimitMs} ms`] }
  await wait(bench.random() * freezeWithinMs)
  const [lateBefore, joinsBefore] = [lateResultsOf(role), await joinsOf(role)]
  await bench.freeze(name)
  const ids = await claimedDeliveries(bench)
  // While it stands still, the others take over what it held: sent, or at a later hop.
  const movedOn = await waitUntil(async () => (await openAmong(bench, ids)) === 0, {
    timeoutMs: movedOnLimitMs,
    intervalMs: 250,
  })
  const rowsBefore = await rowsOf(bench, ids)
  role.thaw()
  if (!movedOn.met) {
    return { lateResults: 0, complaints: [`what ${name} held did not move on within ${movedOnLimitMs} ms`] }
  }
  await waitUntil(() => lateResultsOf(role) > lateBefore, { timeoutMs: lateResultLimitMs })
  const lateResults = lateResultsOf(role) - lateBefore
  if (lateResults === 0) return { lateResults, complaints: [] }
  // Its session is over: it has partitions, and calls, again only once it has joined anew.
  const rejoined = await waitUntil(async () => (await joinsOf(role)) > joinsBefore, { timeoutMs: rejoinLimitMs })
  const rowsAfter = new Set(await rowsOf(bench, ids))
  const changed = rowsBefore.filter((row) => !rowsAfter.has(row))
  return {
    lateResults,
    complaints: [
      ...changed.map((row) => `a result of ${name} that came too late changed a row: ${row}`),
      ...(rejoined.met ? [] : [`${name} did not come back to its group within ${rejoinLimitMs} ms`]),
    ],
  }
}

function openCalls({ simulator }: Bench): number {
  const calls = [...simulator.ledger.entries({ provider: 'twilio' })]
  return calls.filter(({ answeredAtMs }) => answeredAtMs === null).length
}

async function claimedDeliveries(bench: Bench): Promise<string[]> {
  const rows = await bench.query<{ id: string }>(
    `select delivery_id as id from deliveries where state = 'claimed' and channel = 'sms'`,
  )
  return rows.map(({ id }) => id)
}

async function openAmong(bench: Bench, ids: readonly string[]): Promise<number> {
  const [open] = await bench.query<{ count: number }>(
    `select count(*)::integer as count from deliveries
     where delivery_id = any('{${ids.join()}}') and state in ('claimed', 'retrying')`,
  )
  return open?.count ?? 0
}

async function rowsOf(bench: Bench, ids: readonly string[]): Promise<string[]> {
  const rows = await bench.query<{ row: string }>(
    `select concat_ws(' ', delivery_id, state, hop, attempt, reason, provider_message_id) as row from deliveries
     where delivery_id = any('{${ids.join()}}')`,
  )
  return rows.map(({ row }) => row)
}

async function joinsOf(role: SupervisedRole): Promise<number> {
  const joins = /^fanfare_consumer_rebalances_total\{.*\} (\d+)/m.exec(await role.metrics())
  return Number(joins?.[1] ?? 0)
}

/** As the role itself tells them; whether it is right the checker finds out. */
function lateResultsOf(role: SupervisedRole): number {
  return role.logTail(Infinity).split('"kind":"late_result"').length - 1
}
