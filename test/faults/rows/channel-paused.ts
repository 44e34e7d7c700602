/**
 * SMS and email are paused by an operator while events come whose time is over before the channels are resumed, and
 * others that have time. Senders are killed and started again meanwhile. Nothing may be called on a paused channel; what
 * is too late afterwards ends as expired without a call, what has time is sent once, and push goes on as if nothing were.
 *
 * A part of what is too late is swept while the channel is still paused: its expiry is put back in its row, as nobody
 * waits an hour here, and its command has nothing left to do when it is read at last.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { waitUntil } from '../../../src/local/stack/wait-until.ts'
import type { Bench } from '../supervisor/bench.ts'
import { bulkRoles, unplannedEnds, type FaultRow } from './fault-row.ts'

const pausedChannels = ['sms', 'email'] as const
const senders = pausedChannels.map((channel) => `sender-${channel}`)
const killsOfEach = 2
const batches = 20
/** How long the short-lived events may be sent. */
const shortLifeMs = 8_000
/** Senders ask every second; then what they had started comes to its end. */
const noticeMs = 1_000
const underWayGraceMs = 3_000
const pushLimitMs = 15_000
const settleLimitMs = 60_000
/** Few calls at once make short queues, so that the pause fills them and partitions are held back for it. */
const environment = { FANFARE_SENDER_CONCURRENCY: '2' }

export const channelPaused: FaultRow = {
  name: 'channel-paused',
  fault: 'Channel paused (in its Postgres row) past expiry',
  roles: bulkRoles.map((spec) => (senders.includes(spec.name) ? { ...spec, environment } : spec)),
  run: async (bench) => {
    const { events, faultMs, load, schedule } = bench
    await load.spread(Math.floor(events / 4), faultMs / 4)
    for (const channel of pausedChannels) {
      await bench.command('channels', 'pause', channel, '--lane', 'bulk', '--reason', 'the row', '--as', 'faults')
    }
    await wait(noticeMs + underWayGraceMs)
    const fromMs = Date.now()
    const [published] = await Promise.all([publishWhilePaused(bench), killWhilePaused(bench)])
    await wait(shortLifeMs)
    const complaints = [
      ...(await whilePaused(bench, published)),
      ...(await sweepOverdue(bench)),
      ...schedule.kills.flatMap(({ role, inFlight }) =>
        inFlight > 0 ? [`${role} had claimed ${inFlight} deliveries of a paused channel`] : [],
      ),
    ]
    schedule.pauses = pausedChannels.map((channel) => ({ channel, fromMs, untilMs: Date.now() }))
    for (const channel of pausedChannels) await bench.command('channels', 'resume', channel, '--as', 'faults')
    await load.spread(events - load.published(), faultMs / 4)
    await bench.untilSettled(settleLimitMs)
    return [...complaints, ...(await afterwards(bench, published)), ...unplannedEnds(bench)]
  },
}

interface Published {
  short: readonly string[]
  long: readonly string[]
}

/** Half of all events, every second one short-lived, evenly over the fault. */
async function publishWhilePaused({ load, events, faultMs }: Bench): Promise<Published> {
  const short: string[] = []
  const long: string[] = []
  const each = Math.ceil(events / 2 / batches)
  for (let batch = 0; batch < batches; batch += 1) {
    const messages = Array.from({ length: each }, (_, at) => {
      const notificationId = randomUUID()
      const isShort = (batch + at) % 2 === 0
      ;(isShort ? short : long).push(notificationId)
      return load.message({ notificationId, ...(isShort ? { expiresAt: Date.now() + shortLifeMs } : {}) })
    })
    await load.publishEvents(messages)
    await wait(faultMs / batches)
  }
  return { short, long }
}

async function killWhilePaused(bench: Bench): Promise<void> {
  await Promise.all(
    senders.map(async (name) => {
      for (let kill = 0; kill < killsOfEach; kill += 1) {
        await wait((bench.random() * bench.faultMs) / killsOfEach)
        await bench.kill(name)
        await bench.role(name).start()
      }
    }),
  )
}

/** The senders stand still, are alive and say why; push has gone on. */
async function whilePaused(bench: Bench, { short, long }: Published): Promise<string[]> {
  const complaints: string[] = []
  for (const channel of pausedChannels) {
    const role = bench.role(`sender-${channel}`)
    const { ok, detail } = await role.health()
    if (!ok) complaints.push(`${role.name} is not alive while it is paused: ${detail}`)
    const isTold = /^fanfare_channel_paused\{[^}]*\} 1$/m.test(await role.metrics())
    if (!isTold) complaints.push(`${role.name} does not say that it is paused`)
    if ((await bench.lag(`fanfare.sender.${channel}.bulk`)) === 0) complaints.push(`nothing waits on ${channel}`)
  }
  const waiting = async () =>
    (await countOf(bench, [...short, ...long], `channel = 'ios' and state not in ('sent', 'expired')`)) +
    (await countOf(bench, long, `channel = 'ios' and state <> 'sent'`))
  const isThrough = await waitUntil(async () => (await waiting()) === 0, { timeoutMs: pushLimitMs, intervalMs: 250 })
  return isThrough.met ? complaints : [...complaints, `${await waiting()} pushes waited for the other channels`]
}

async function sweepOverdue(bench: Bench): Promise<string[]> {
  const backdated = await bench.query(
    `update deliveries set expires_at = expires_at - interval '2 hours'
     where channel = 'email' and state = 'routed' and expires_at < now() returning 1`,
  )
  await bench.command('maintain')
  const [left] = await bench.query<{ count: number }>(
    `select count(*)::integer as count from deliveries where expires_at < now() - interval '1 hour' and state = 'routed'`,
  )
  if (backdated.length === 0) return ['nothing was overdue for the sweep']
  return left?.count === 0 ? [] : [`the sweep left ${left?.count} deliveries`]
}

async function afterwards(bench: Bench, { short, long }: Published): Promise<string[]> {
  const ofPaused = `channel in ('sms', 'email')`
  const late = await bench.query<{ id: string }>(
    `select delivery_id::text as id from deliveries where ${ofPaused} and notification_id in (${listOf(short)})`,
  )
  const lateIds = new Set(late.map(({ id }) => id))
  const called = [...bench.simulator.ledger.entries()].filter(({ deliveryId }) => lateIds.has(deliveryId ?? ''))
  const notExpired = await countOf(bench, short, `${ofPaused} and state <> 'expired'`)
  const notSent = await countOf(bench, long, `${ofPaused} and state <> 'sent'`)
  return [
    ...(lateIds.size === 0 || (await countOf(bench, long, ofPaused)) === 0
      ? ['nothing waited: the row shows nothing']
      : []),
    ...(called.length > 0 ? [`${called.length} calls for what was too late`] : []),
    ...(notExpired > 0 ? [`${notExpired} of ${lateIds.size} that were too late did not expire`] : []),
    ...(notSent > 0 ? [`${notSent} that had time were not sent`] : []),
  ]
}

async function countOf(bench: Bench, ids: readonly string[], condition: string): Promise<number> {
  const [row] = await bench.query<{ count: number }>(
    `select count(*)::integer as count from deliveries where ${condition} and notification_id in (${listOf(ids)})`,
  )
  return row?.count ?? 0
}

function listOf(ids: readonly string[]): string {
  return ids.map((id) => `'${id}'`).join()
}
