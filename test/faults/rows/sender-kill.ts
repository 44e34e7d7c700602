/**
 * SIGKILL of senders in the middle of their calls, all channels at once.
 *
 * The providers take their time, so that the moment falls into calls. Every third event is of a category that holds what
 * nobody can tell; the others send again.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../supervisor/bench.ts'
import { bulkRoles, unplannedEnds, type FaultRow } from './fault-row.ts'
import { untilCalling } from './sender-calls.ts'
import { shortAnswerTimeoutMs, withShortLeases } from './sender-lease.ts'

const volleys = 7
const senders = ['sender-sms', 'sender-email', 'sender-ios']
const holdCategory = 'receipt'
/** From its first call on a sender is busy with a volley for about so long. */
const sendingSpanMs = 500

export const senderKill: FaultRow = {
  name: 'sender-kill',
  fault: `SIGKILL sender ×${volleys * senders.length} mid-send`,
  roles: withShortLeases(bulkRoles),
  run: async (bench) => {
    const { events, random, load, schedule } = bench
    schedule.answerTimeoutMs = shortAnswerTimeoutMs
    await prepareCategories(bench)
    for (const provider of ['apns', 'twilio', 'sendgrid'] as const) {
      bench.simulator.faults.setBaseLatency(provider, { kind: 'uniform', fromMs: 200, toMs: 800 })
    }
    for (let volley = 0; volley < volleys; volley += 1) {
      const beganAtMs = Date.now()
      const delaysMs = senders.map(() => random() * sendingSpanMs)
      await publish(bench, Math.floor(events / (volleys + 1)))
      await Promise.all(
        senders.map(async (name, at) => {
          await untilCalling(bench, name, beganAtMs)
          await wait(delaysMs[at])
          await bench.kill(name)
        }),
      )
      await Promise.all(senders.map((name) => bench.role(name).start()))
    }
    await publish(bench, events - load.published())
    const midSend = schedule.kills.filter(({ inFlight }) => inFlight > 0).length
    const complaints = unplannedEnds(bench)
    if (midSend < schedule.kills.length / 2) {
      complaints.push(`only ${midSend} of ${schedule.kills.length} kills met calls: the row shows nothing`)
    }
    return [...complaints, ...(await withoutBothPolicies(bench))]
  },
}

/** Enough attempts that none of them runs out: a doubt spends one, and a record may be in flight at several kills. */
async function prepareCategories(bench: Bench): Promise<void> {
  const attempts = JSON.stringify({ push: 20, sms: 20, email: 20 })
  await bench.query(`update categories set attempts = '${attempts}'`)
  await bench.query(
    `insert into categories (name, lane, channels, time_to_live_seconds, template_id, attempts, unknown_policy)
     values ('${holdCategory}', 'bulk', '{push,sms,email}', 7200, 'news', '${attempts}', 'hold')`,
  )
}

async function publish({ load }: Bench, count: number): Promise<void> {
  const event = (_: unknown, at: number) => load.message(at % 3 === 0 ? { category: holdCategory } : {})
  await load.publishEvents(Array.from({ length: count }, event))
}

/** Doubts of both kinds, or one of the policies was not tried. A doubt that was sent again took another attempt. */
async function withoutBothPolicies(bench: Bench): Promise<string[]> {
  await bench.untilSettled(60_000)
  const [counts] = await bench.query<{ held: number; again: number }>(
    `select count(*) filter (where unknown_policy = 'hold' and state = 'unknown')::integer as held,
       count(*) filter (where unknown_policy = 'resend' and attempt > 1)::integer as again
     from deliveries`,
  )
  return Object.entries(counts ?? {}).flatMap(([what, count]) => (count > 0 ? [] : [`no doubt was ${what}`]))
}
