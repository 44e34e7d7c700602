/**
 * Providers that report before they answer, to senders that are killed meanwhile: a report finds its delivery claimed,
 * and perhaps nobody is left who will settle it.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { unplannedEnds, type FaultRow } from './fault-row.ts'
import { beginReports, feedbackRole, reportedBeforeSettled, rolesWithEdge } from './reporting-roles.ts'
import { untilCalling } from './sender-calls.ts'
import { withLeases } from './sender-lease.ts'

const volleys = 3
const senders = ['sender-sms', 'sender-email']
/** Before an answer; webhooks leave at once. */
const answers = { kind: 'uniform', fromMs: 800, toMs: 2_000 } as const
/** Far above it, for a machine that does much else. */
const answerTimeoutMs = 8_000
/** From its first call on a sender is busy with a volley for longer than that. */
const sendingSpanMs = 1_500

export const feedbackBeforeSettle: FaultRow = {
  name: 'feedback-before-settle',
  fault: `reports before the answer, SIGKILL sender ×${volleys * senders.length} meanwhile`,
  roles: [...withLeases(rolesWithEdge, answerTimeoutMs), feedbackRole],
  run: async (bench) => {
    const { events, random, load, schedule, simulator } = bench
    schedule.answerTimeoutMs = answerTimeoutMs
    await bench.query(`update categories set attempts = '{"push": 20, "sms": 20, "email": 20}'`)
    await beginReports(bench)
    for (const provider of ['twilio', 'sendgrid'] as const) simulator.faults.setBaseLatency(provider, answers)
    for (let volley = 0; volley < volleys; volley += 1) {
      const beganAtMs = Date.now()
      const delaysMs = senders.map(() => random() * sendingSpanMs)
      await load.publish(Math.floor(events / (volleys + 1)))
      await Promise.all(
        senders.map(async (name, at) => {
          await untilCalling(bench, name, beganAtMs)
          await wait(delaysMs[at])
          await bench.kill(name)
        }),
      )
      await Promise.all(senders.map((name) => bench.role(name).start()))
    }
    await load.publish(events - load.published())
    await bench.untilSettled(60_000)
    const first = await reportedBeforeSettled(bench)
    const complaints = first < events / 10 ? [`only ${first} reports came before the settlement`] : []
    const midSend = schedule.kills.filter(({ inFlight }) => inFlight > 0).length
    if (midSend < schedule.kills.length / 2) {
      complaints.push(`only ${midSend} of ${schedule.kills.length} kills met calls: the row shows little`)
    }
    return [...complaints, ...unplannedEnds(bench)]
  },
}
