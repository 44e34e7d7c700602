/**
 * The closed loop of the demo: messages, what people do with them, what providers report, and what no longer goes out.
 *
 * Each step waits for the one before it to have arrived, in the database or by the group's lag: so what is predicted is
 * certain on a slow machine, too.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NotificationRequested } from '../../domain/notification.ts'
import { deliveryIdOf } from '../../domain/identity.ts'
import { uuidV7 } from '../../domain/uuid-v7.ts'
import {
  bouncingDomain,
  eventFor,
  isAskedAgain,
  reactions,
  type Reactor,
  type ReactorMessages,
} from '../../local/demo/reactions.ts'
import { reportedKinds, type MadeReport, type ReportedKind } from '../../local/reconciliation/evidence.ts'
import type { Ledger } from '../../local/simulator/ledger.ts'
import type { Webhooks } from '../../local/simulator/webhooks.ts'
import { sha256 } from '../../roles/infrastructure.ts'
import type { EventProducer } from '../event-producer.ts'
import { act, type DoingOptions } from './people.ts'

export interface ClosedLoop {
  reactors: readonly Reactor[]
  producer: EventProducer
  ledger: Ledger
  webhooks: Webhooks
  publicUrl: string
  edgeUrl: string
  /** Resolves when so many events are decided and each of their deliveries is final. */
  untilSettled(events: number): Promise<string | undefined>
  /** Gives the work a look at how many records the feedback group has not worked off. */
  lookingAtLag<Result>(work: (feedbackLag: () => Promise<number>) => Promise<Result>): Promise<Result>
  signal: AbortSignal
}

export interface LoopResult {
  messages: ReactorMessages[]
  reports: MadeReport[]
  /** What never arrived; undefined if everything did. */
  missing: string | undefined
}

const source = 'demo-people'
const lagPollMs = 100
const lagLimitMs = 60_000

/** Before anything is sent: what providers are to report of whom. */
export function scriptReports(webhooks: Webhooks): void {
  const reports = [
    { event: 'processed', afterMs: 0, fields: {} },
    { event: 'bounce', afterMs: 0, fields: { type: 'bounce', status: '5.1.1' } },
  ]
  webhooks.rules.add({ provider: 'sendgrid', match: { address: bouncingDomain }, reports })
}

/** @param eventsBefore that are settled already. */
export async function closeTheLoop(loop: ClosedLoop, eventsBefore: number): Promise<LoopResult> {
  const { reactors, signal } = loop
  const firsts = await ask(reactors, loop)
  let missing = await loop.untilSettled(eventsBefore + firsts.length)
  const done = await Promise.all(firsts.map((asked) => doDeeds(asked, loop)))
  missing ??= await untilReported(loop)
  signal.throwIfAborted()
  const again = firsts.filter(({ reactor }) => isAskedAgain(reactor))
  const seconds = await ask(
    again.map(({ reactor }) => reactor),
    loop,
  )
  missing ??= await loop.untilSettled(eventsBefore + firsts.length + seconds.length)
  const secondOf = new Map(seconds.map((asked) => [asked.reactor, asked.event]))
  const messages = firsts.map(({ reactor, event }) => ({
    ...reactor,
    first: event,
    second: secondOf.get(reactor) ?? null,
  }))
  return { messages, reports: [...webhookReports(loop.webhooks), ...done.flat()], missing }
}

interface Asked {
  reactor: Reactor
  event: NotificationRequested
}

async function ask(reactors: readonly Reactor[], { producer }: ClosedLoop): Promise<Asked[]> {
  const createdAt = Date.now()
  const asked = reactors.map((reactor) => {
    const { lane, userId, category, data } = eventFor(reactor)
    const notificationId = uuidV7(createdAt, randomBytes(10))
    const unset = { template: null, locale: null, channels: null, sendAt: null, expiresAt: null, collapseKey: null }
    return { reactor, lane, event: { notificationId, source, userId, category, data, createdAt, ...unset } }
  })
  await producer.publish(asked)
  return asked
}

async function doDeeds({ reactor, event }: Asked, loop: ClosedLoop): Promise<MadeReport[]> {
  const { by, deeds } = reactions[reactor.name]
  // Nobody received what a provider refused.
  if (by === 'push') return []
  const { notificationId, createdAt: createdAtMs } = event
  const deliveryId = deliveryIdOf({ createdAtMs, source, notificationId, channel: by, deviceId: null }, sha256)
  const call = [...loop.ledger.entries({ deliveryId, verdict: 'accepted' })][0]
  // The predictions tell of it.
  if (call === undefined) return []
  return (await inOrder(deeds, (deed) => act(deed, { deliveryId, call }, doingOptions(loop)))).flat()
}

function doingOptions({ publicUrl, edgeUrl, webhooks }: ClosedLoop): DoingOptions {
  return { publicUrl, edgeUrl, webhooks }
}

async function inOrder<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  for (const item of items) results.push(await work(item))
  return results
}

/** The edge holds what it saw for a moment: so the lag has to be nothing several times in a row. */
const quietLooks = 10

async function untilReported({ webhooks, lookingAtLag, signal }: ClosedLoop): Promise<string | undefined> {
  await webhooks.idle()
  return lookingAtLag((feedbackLag) => untilWorkedOff(feedbackLag, signal))
}

async function untilWorkedOff(feedbackLag: () => Promise<number>, signal: AbortSignal): Promise<string | undefined> {
  const deadlineMs = performance.now() + lagLimitMs
  for (let looks = 0; looks < quietLooks;) {
    signal.throwIfAborted()
    looks = (await feedbackLag()) === 0 ? looks + 1 : 0
    if (performance.now() > deadlineMs) return `reports are not worked off after ${lagLimitMs} ms`
    await sleep(lagPollMs)
  }
  return undefined
}

/** What the providers reported and the edge took. */
function webhookReports({ ledger }: Webhooks): MadeReport[] {
  return [...ledger.entries()].flatMap(({ event, deliveryId, takenAtMs }) => {
    const kind = kindOfEvent[event]
    return kind === undefined || deliveryId === null || takenAtMs === null ? [] : [{ kind, deliveryId }]
  })
}

/** By the providers' words; what means nothing to a delivery is absent. */
const kindOfEvent: Partial<Record<string, ReportedKind>> = {
  ...Object.fromEntries(reportedKinds.map((kind) => [kind, kind])),
  bounce: 'bounced',
}
