/**
 * The webhooks of the simulated providers: what they report of the messages that they accepted, signed as they sign it.
 *
 * Nothing is sent until somebody says where: then every accepted message has its story told, event by event, each at its
 * time, possibly twice, and out of order where delays are drawn. What is not taken is repeated for a while, as SendGrid
 * does, and Twilio where it was asked to. `target` is where the requests really go and `publicUrl` what the providers
 * believe to call, as with a proxy that ends TLS.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { drawLatencyMs } from './latency.ts'
import type { LedgerEntry } from './ledger.ts'
import { createSendgridSigner, sendgridCall, sendgridEventOf, type SendgridSigner } from './sendgrid-webhooks.ts'
import { twilioInboundCall, twilioStatusCall, type InboundText, type TwilioAccount } from './twilio-webhooks.ts'
import { createWebhookLedger, type WebhookEntry, type WebhookLedger, type WebhookSummary } from './webhook-ledger.ts'
import { createWebhookRules, disorderSchema, type Disorder, type Report, type WebhookRules } from './webhook-rules.ts'
import { createWebhookSender, gathering } from './webhook-sender.ts'

export interface WebhookTarget {
  /** Origin of the edge: `http://127.0.0.1:8088`. */
  target: string
  /** Origin that the edge is known by: `https://fanfare.example.com`. */
  publicUrl: string
}

export interface Webhooks {
  readonly rules: WebhookRules
  readonly ledger: WebhookLedger
  /** For `FANFARE_SENDGRID_WEBHOOK_PUBLIC_KEY`. */
  readonly sendgridPublicKey: string
  /** From now on; null: nothing more is reported. */
  aim(target: WebhookTarget | null): void
  misbehave(disorder: Partial<Disorder>): void
  /** Tells the story of an accepted message. */
  accepted(call: LedgerEntry): void
  /** Somebody texts our number. @returns its entry, before it is sent. @throws RangeError where nothing is aimed at. */
  text(text: InboundText): WebhookEntry
  summary(): WebhookSummary
  /** Resolves when nothing is pending. */
  idle(): Promise<void>
  /** Ends all waiting; nothing more is sent. */
  stop(): void
}

export interface WebhooksOptions {
  twilio: TwilioAccount
  random: () => number
  /** Unix ms. */
  now: () => number
}

/** SendGrid posts what it has gathered; the real one waits for up to 30 s. */
const gatherMs = 50
const batchMax = 500

export function createWebhooks(options: WebhooksOptions): Webhooks {
  const { random, now } = options
  const rules = createWebhookRules()
  const ledger = createWebhookLedger()
  const signer = createSendgridSigner()
  const stopping = new AbortController()
  const pending = createPending()
  let aimedAt: WebhookTarget | null = null
  let disorder = disorderSchema.parse({})

  /** Unreferenced: a simulator must not be held up by reports that nobody waits for. */
  async function pause(ms: number): Promise<void> {
    await wait(ms, undefined, { ref: false, signal: stopping.signal }).catch(() => {})
  }

  const routes = createRoutes({ ...options, signer, pause, stopping: stopping.signal })

  function accepted(call: LedgerEntry): void {
    const target = aimedAt
    const message = target === null ? undefined : messageOf(call, target)
    if (message === undefined) return
    let dueMs = 0
    for (const report of rules.reportsOf(message)) {
      dueMs += report.afterMs
      void tell(report, message, dueMs)
    }
  }

  async function tell(report: Report, message: ReportedMessage, dueMs: number): Promise<void> {
    pending.begin()
    const copies = random() < disorder.duplicateShare ? 2 : 1
    await pause(dueMs + drawLatencyMs(disorder.delay, random))
    const { provider, providerMessageId, deliveryId, address } = message
    const eventId = randomBytes(16).toString('base64url')
    const told = { provider, event: report.event, eventId, deliveryId, address, providerMessageId }
    const entry = ledger.note({ ...told, occurredAtMs: now() })
    await Promise.all(
      Array.from({ length: copies }, async (_, copy) => {
        await pause(copy * (gatherMs + drawLatencyMs(disorder.delay, random)))
        await routes.report(entry, report, message)
      }),
    )
    pending.end(entry)
  }

  function text(inbound: InboundText): WebhookEntry {
    if (aimedAt === null) throw new RangeError('nothing is aimed at: say first where the edge listens')
    const sid = `SM${randomBytes(16).toString('hex')}`
    const told = {
      provider: 'twilio',
      event: 'inbound',
      eventId: sid,
      deliveryId: null,
      providerMessageId: sid,
    } as const
    const entry = ledger.note({ ...told, address: inbound.from, occurredAtMs: now() })
    pending.begin()
    void routes.text(entry, inbound, aimedAt).then(() => pending.end(entry))
    return entry
  }

  return {
    rules,
    ledger,
    sendgridPublicKey: signer.publicKey,
    aim: (target) => void (aimedAt = target),
    misbehave: (wanted) => void (disorder = disorderSchema.parse({ ...disorder, ...wanted })),
    accepted,
    text,
    summary: pending.summary,
    idle: pending.idle,
    stop: () => stopping.abort(),
  }
}

/** A message that something is reported of. */
interface ReportedMessage {
  provider: WebhookEntry['provider']
  providerMessageId: string
  deliveryId: string | null
  address: string
  /** Of Twilio: where it was asked to report. */
  callback: string
  target: WebhookTarget
}

/** @returns undefined where nothing comes back by webhook: without a callback Twilio reports nothing. */
function messageOf(call: LedgerEntry, target: WebhookTarget): ReportedMessage | undefined {
  const { provider, providerMessageId, deliveryId, address } = call
  const callback = call.content.parameters?.['StatusCallback'] ?? ''
  if (providerMessageId === null || (provider !== 'twilio' && provider !== 'sendgrid')) return undefined
  if (provider === 'twilio' && callback === '') return undefined
  return { provider, providerMessageId, deliveryId, address, callback, target }
}

interface RoutesOptions extends WebhooksOptions {
  signer: SendgridSigner
  pause(ms: number): Promise<void>
  stopping: AbortSignal
}

/** From an event to a request of its provider, dealt with when it resolves. */
function createRoutes({ twilio: account, signer, now, pause, stopping }: RoutesOptions) {
  const { send } = createWebhookSender({ now, pause, stopping })
  const mail = gathering<{ fields: Record<string, unknown>; target: WebhookTarget }>({
    batchMax,
    moment: () => pause(gatherMs),
    post: async (batch) => {
      const [first] = batch
      if (first === undefined) return
      const { target, publicUrl } = first.event.target
      const url = `${publicUrl}/webhooks/sendgrid/events`
      const events = batch.map(({ event }) => event.fields)
      const callOf = () => sendgridCall(events, { signer, url, nowMs: now() })
      await send(
        batch.map(({ entry }) => entry),
        callOf,
        target,
      )
    },
  })

  return {
    report: (entry: WebhookEntry, report: Report, { provider, callback, target }: ReportedMessage): Promise<void> => {
      if (provider === 'sendgrid') return mail({ entry, event: { fields: sendgridEventOf(entry, report), target } })
      return send([entry], () => twilioStatusCall(entry, report, { account, callback }), target.target)
    },
    text: (entry: WebhookEntry, inbound: InboundText, { target, publicUrl }: WebhookTarget): Promise<void> => {
      const url = `${publicUrl}/webhooks/twilio/inbound`
      return send([entry], () => twilioInboundCall(entry, inbound, { account, url }), target)
    },
  }
}

/** How many events are under way, and what became of the others. */
function createPending() {
  const counts = { pending: 0, taken: 0, lost: 0 }
  let idle = Promise.withResolvers<void>()
  idle.resolve()
  return {
    begin: (): void => {
      if (counts.pending === 0) idle = Promise.withResolvers<void>()
      counts.pending += 1
    },
    end: ({ takenAtMs }: WebhookEntry): void => {
      counts.pending -= 1
      counts[takenAtMs === null ? 'lost' : 'taken'] += 1
      if (counts.pending === 0) idle.resolve()
    },
    summary: (): WebhookSummary => ({ total: counts.pending + counts.taken + counts.lost, ...counts }),
    idle: (): Promise<void> => idle.promise,
  }
}
