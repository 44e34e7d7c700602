/**
 * A sender that is stopped in the middle of its calls, for longer than its session and its leases, and then goes on as
 * if nothing had happened: its results come too late, and so do its commits.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { waitUntil } from '../../../src/local/stack/wait-until.ts'
import type { Bench } from '../supervisor/bench.ts'
import { anotherOf, bulkRoles, unplannedEnds, type FaultRow } from './fault-row.ts'
import { shortAnswerTimeoutMs, withShortLeases } from './sender-lease.ts'

const freezes = 3
const senders = ['sender-sms', 'sender-sms-2']
/** For the session, a lease, and once round the first rung, where somebody asked before the lease had ended. */
const movedOnLimitMs = 45_000
/** Until the events of a round are being sent. */
const sendingAfterMs = 400
/** A thawed sender settles all that it held, or its results are lost for good. */
const lateResultLimitMs = 15_000

export const senderFreeze: FaultRow = {
  name: 'sender-freeze',
  fault: 'SIGSTOP a sender past session and lease, then SIGCONT',
  roles: withShortLeases([...bulkRoles, anotherOf('sender-sms', 'sender-sms-2')]),
  run: async (bench) => {
    bench.schedule.answerTimeoutMs = shortAnswerTimeoutMs
    bench.simulator.faults.setBaseLatency('twilio', { kind: 'uniform', fromMs: 300, toMs: 900 })
    const complaints: string[] = []
    for (let freeze = 0; freeze < freezes; freeze += 1) {
      await bench.load.publish(Math.floor(bench.events / (freezes + 1)))
      await wait(sendingAfterMs + bench.random() * sendingAfterMs)
      complaints.push(...(await freezeAndThaw(bench, senders[freeze % senders.length] ?? 'sender-sms')))
    }
    await bench.load.publish(bench.events - bench.load.published())
    return [...complaints, ...unplannedEnds(bench)]
  },
}

async function freezeAndThaw(bench: Bench, name: string): Promise<string[]> {
  const role = bench.role(name)
  const before = lateResults(bench, name)
  await bench.freeze(name)
  const held = await bench.query<{ id: string }>(
    `select delivery_id as id from deliveries where state = 'claimed' and channel = 'sms'`,
  )
  if (held.length === 0) return [`${name} was frozen without a call`]
  // While it stands still, the others take over what it held: sent, or at a later hop.
  const ids = held.map(({ id }) => `'${id}'`).join()
  const movedOn = await waitUntil(
    async () => {
      const [open] = await bench.query<{ count: number }>(
        `select count(*)::integer as count from deliveries
         where delivery_id in (${ids}) and state in ('claimed', 'retrying')`,
      )
      return open?.count === 0
    },
    { timeoutMs: movedOnLimitMs, intervalMs: 250 },
  )
  role.thaw()
  if (!movedOn.met) return [`what ${name} held did not move on within ${movedOnLimitMs} ms`]
  const fenced = await waitUntil(() => lateResults(bench, name) > before, { timeoutMs: lateResultLimitMs })
  return fenced.met ? [] : [`no result of ${name} came too late: the row shows nothing`]
}

/** As the role itself tells them; whether it is right the checker finds out. */
function lateResults(bench: Bench, name: string): number {
  const log = bench.role(name).logTail(Infinity)
  return log.split('"kind":"late_result"').length - 1
}
