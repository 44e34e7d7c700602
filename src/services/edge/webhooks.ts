/**
 * Webhooks of the providers: verified on the raw body, published, and answered with success only once Kafka has them.
 *
 * What cannot be verified is 403, counted, and nothing more is done with it. A request that was taken before is answered
 * as it was then, and nothing is done with it either: whoever repeats one has mostly not heard our answer, and would
 * repeat a refusal for a day. So a copy in the wrong hands learns nothing and changes nothing.
 *
 * The receipt is kept after the publication. A crash between both lets the provider's repetition be published once more,
 * under the same ids, which every reader absorbs; the other way round it would be lost. For the same reason nothing
 * waits for a database that is away: receipts only keep copies out, and what copies could do is absorbed too. The one
 * thing that is not is a person's consent: a START waits.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import type { Digest } from '../../domain/identity.ts'
import type { ProviderFeedback } from '../../domain/provider-feedback.ts'
import type { Webhook, WebhookReading, WebhookRefusal } from '../../domain/webhook.ts'
import { refuse } from '../../http/problem.ts'
import type { HttpServer } from '../../http/server.ts'

export interface WebhookPorts {
  /** Those whose keys are known; the others' paths do not exist. */
  webhooks: readonly Webhook[]
  /** How the world reaches the edge, without a slash at the end: what providers sign. */
  publicUrl: string
  receipts: {
    isKept(digest: Uint8Array): Promise<boolean>
    /** @param untilMs Unix ms; null: for ever. */
    keep(digest: Uint8Array, untilMs: number | null): Promise<void>
  }
  /** Resolves once Kafka has acknowledged all. Throws DependencyUnavailable where it is away. */
  publish(feedback: readonly ProviderFeedback[]): Promise<void>
  sha256: Digest
  /** Unix ms. */
  now(): number
  observe(observation: WebhookObservation): void
}

export type WebhookObservation =
  /** `empty`: verified, and nothing in it that a delivery comes to. */
  | { kind: 'webhook'; provider: string; result: 'taken' | 'empty' | 'repeated' | 'unavailable' | WebhookRefusal }
  | { kind: 'webhook_events'; provider: string; outcome: 'published' | 'ignored' | 'unknown'; count: number }
  | { kind: 'receipts_unavailable'; fault: DependencyUnavailable }

/** Providers give up after 15 s; a batch that is stored later all the same is absorbed when it comes again. */
const publishLimitMs = 10_000

export function webhookRoutes(server: HttpServer, ports: WebhookPorts): void {
  // In a scope of their own: here a body is bytes, whatever its type says.
  void server.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body))
    for (const webhook of ports.webhooks) {
      scope.post(webhook.path, { bodyLimit: webhook.bodyLimitBytes }, (request, reply) =>
        answer(webhook, { request, reply }, ports),
      )
    }
    done()
  })
}

interface Exchange {
  request: FastifyRequest
  reply: FastifyReply
}

async function answer(webhook: Webhook, { request, reply }: Exchange, ports: WebhookPorts): Promise<FastifyReply> {
  const { provider } = webhook
  const reading = webhook.read(
    {
      url: `${ports.publicUrl}${request.raw.url ?? ''}`,
      headers: singleHeaders(request.headers),
      body: Buffer.isBuffer(request.body) ? request.body : new Uint8Array(),
    },
    ports.now(),
  )
  if (reading.kind === 'refused') {
    ports.observe({ kind: 'webhook', provider, result: reading.reason })
    return refuseWebhook(reply, reading.reason)
  }
  try {
    ports.observe({ kind: 'webhook', provider, result: await take(provider, reading, ports) })
  } catch (error) {
    if (error instanceof DependencyUnavailable) ports.observe({ kind: 'webhook', provider, result: 'unavailable' })
    throw error
  }
  return reply.header('cache-control', 'no-store').code(204).send()
}

type Verified = Extract<WebhookReading, { kind: 'verified' }>

async function take(
  provider: string,
  { identity, repeatableUntilMs, feedback, ignored, unknown }: Verified,
  ports: WebhookPorts,
): Promise<'taken' | 'empty' | 'repeated'> {
  const count = (outcome: 'published' | 'ignored' | 'unknown', events: number) => {
    if (events > 0) ports.observe({ kind: 'webhook_events', provider, outcome, count: events })
  }
  // Nothing comes of it, however often it comes.
  if (feedback.length === 0) {
    count('ignored', ignored)
    count('unknown', unknown)
    return 'empty'
  }
  const digest = ports.sha256(Buffer.concat([Buffer.from(`${provider}\n`), identity]))
  // A copy of an old START would take back a STOP, and nothing later would absorb that.
  const isConsent = feedback.some(({ kind }) => kind === 'restarted')
  const withoutReceipts = (error: unknown) => {
    if (isConsent || !(error instanceof DependencyUnavailable)) throw error
    ports.observe({ kind: 'receipts_unavailable', fault: error })
    return false
  }
  if (await ports.receipts.isKept(digest).catch(withoutReceipts)) return 'repeated'
  await withinLimit(ports.publish(feedback))
  count('published', feedback.length)
  count('ignored', ignored)
  count('unknown', unknown)
  await ports.receipts.keep(digest, repeatableUntilMs).catch(withoutReceipts)
  return 'taken'
}

async function withinLimit(published: Promise<void>): Promise<void> {
  const over = Promise.withResolvers<never>()
  const timer = setTimeout(() => over.reject(new DependencyUnavailable('kafka', 'PUBLISH_LIMIT')), publishLimitMs)
  try {
    await Promise.race([published, over.promise])
  } finally {
    clearTimeout(timer)
    // Nobody waits for it any more.
    published.catch(() => {})
  }
}

/** Says no more than that it was not believed: what exactly was wrong would help only somebody who tries. */
function refuseWebhook(reply: FastifyReply, reason: WebhookRefusal): FastifyReply {
  if (reason === 'unreadable') {
    return refuse(reply, {
      kind: 'invalid',
      faults: [{ field: '/', expected: 'the form that the provider documents' }],
    })
  }
  return refuse(reply, { kind: 'forbidden', detail: 'the request cannot be verified' })
}

function singleHeaders(headers: FastifyRequest['headers']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? undefined : value]),
  )
}
