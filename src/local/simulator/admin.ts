/**
 * The simulator's own HTTP interface, for whoever is not in its process.
 *
 * - `GET /ledger?provider=&verdict=&address=&deliveryId=&since=`: entries as NDJSON, one JSON object a line;
 *   `since` is a sequence number, so a reader goes on where it stopped.
 * - `GET /ledger/summary`: counts by provider and verdict.
 * - `GET /faults`, `POST /faults` (one rule or an array, appended), `DELETE /faults?provider=` (that provider's, or all).
 * - `PUT /latency` with `{"provider": "fcm", "ms": 200}`, or a `distribution` (latency.ts) instead of `ms`: the
 *   provider's base latency.
 *
 * - `PUT /webhooks` with `{"target": "http://127.0.0.1:8088", "publicUrl": "https://fanfare.example.com"}`: where the
 *   providers' webhooks go from now on; `null` ends them. `GET /webhooks?since=`: events as NDJSON, and
 *   `GET /webhooks/summary` how many are pending, taken, lost.
 * - `GET /webhooks/rules`, `POST /webhooks/rules` (one or an array), `DELETE /webhooks/rules`: what is reported of which
 *   message (webhook-rules.ts). `PUT /webhooks/disorder`: duplicates and delays.
 * - `POST /texts` with `{"from": "+14155550100", "body": "STOP"}`: somebody texts our number.
 *
 * Errors are 400 or 404 with `{"error": …}`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { faultRuleSchema, type Faults } from './faults.ts'
import { listenLocally, readBody, type Listening } from './http-server.ts'
import { latencySchema } from './latency.ts'
import { verdicts, type Ledger, type LedgerEntry, type LedgerFilter } from './ledger.ts'
import { simulatedProviders, type ServerHost } from './simulator-server.ts'
import type { WebhookEntry } from './webhook-ledger.ts'
import { disorderSchema, webhookRuleSchema } from './webhook-rules.ts'
import type { Webhooks } from './webhooks.ts'

interface AdminOptions {
  /** 0 takes a free one. */
  port: number
  host: ServerHost
  ledger: Ledger
  faults: Faults
  webhooks: Webhooks
}

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  query: Record<string, string>
}

type Route = (exchange: Exchange, options: AdminOptions) => Promise<void>

export function startAdminServer(options: AdminOptions): Promise<Listening> {
  const server = createServer((request, response) => {
    void answer({ request, response, options })
  })
  return listenLocally(server, options.port, options.host)
}

const routes: Record<string, Route> = {
  'GET /ledger': getLedger,
  'GET /ledger/summary': async ({ response }, { ledger }) => sendJson(response, 200, ledger.summary()),
  'GET /faults': async ({ response }, { faults }) => sendJson(response, 200, faults.rules()),
  'POST /faults': postFaults,
  'DELETE /faults': deleteFaults,
  'PUT /latency': putLatency,
  'PUT /webhooks': putWebhooks,
  'GET /webhooks': getWebhooks,
  'GET /webhooks/summary': async ({ response }, { webhooks }) => sendJson(response, 200, webhooks.summary()),
  'GET /webhooks/rules': async ({ response }, { webhooks }) => sendJson(response, 200, webhooks.rules.rules()),
  'POST /webhooks/rules': postWebhookRules,
  'DELETE /webhooks/rules': deleteWebhookRules,
  'PUT /webhooks/disorder': putDisorder,
  'POST /texts': postText,
}

async function answer(call: { request: IncomingMessage; response: ServerResponse; options: AdminOptions }) {
  const { request, response, options } = call
  const url = new URL(request.url ?? '/', 'http://127.0.0.1')
  const route = routes[`${request.method} ${url.pathname}`]
  if (route === undefined) return sendJson(response, 404, { error: `one of ${Object.keys(routes).join(', ')}` })
  try {
    await route({ request, response, query: Object.fromEntries(url.searchParams) }, options)
  } catch (error) {
    if (response.headersSent) {
      response.destroy()
    } else if (error instanceof z.ZodError) {
      sendJson(response, 400, { error: z.prettifyError(error) })
    } else if (error instanceof RangeError || error instanceof SyntaxError) {
      sendJson(response, 400, { error: error.message })
    } else {
      throw error
    }
  }
}

const provider = z.enum(simulatedProviders)

const ledgerQuery = z.strictObject({
  provider: provider.optional(),
  verdict: z.enum(verdicts).optional(),
  address: z.string().optional(),
  deliveryId: z.string().optional(),
  since: z.coerce.number().int().min(0).optional(),
})

async function getLedger({ response, query }: Exchange, { ledger }: AdminOptions): Promise<void> {
  const parsed = ledgerQuery.parse(query)
  const filter = Object.fromEntries(Object.entries(parsed).filter(([, value]) => value !== undefined)) as LedgerFilter
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  await pipeline(Readable.from(ndjson(ledger.entries(filter))), response)
}

const origin = z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).origin)
const aim = z.strictObject({ target: origin, publicUrl: origin }).nullable()

async function putWebhooks({ request, response }: Exchange, { webhooks }: AdminOptions): Promise<void> {
  const target = aim.parse(await readJson(request))
  webhooks.aim(target)
  sendJson(response, 200, target)
}

async function getWebhooks({ response, query }: Exchange, { webhooks }: AdminOptions): Promise<void> {
  const { since } = z.strictObject({ since: z.coerce.number().int().min(0).optional() }).parse(query)
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  await pipeline(Readable.from(ndjson(webhooks.ledger.entries(since))), response)
}

async function postWebhookRules({ request, response }: Exchange, { webhooks: { rules } }: AdminOptions): Promise<void> {
  const body = await readJson(request)
  rules.add(...z.array(webhookRuleSchema).parse(Array.isArray(body) ? body : [body]))
  sendJson(response, 200, rules.rules())
}

async function deleteWebhookRules({ response }: Exchange, { webhooks: { rules } }: AdminOptions): Promise<void> {
  rules.clear()
  sendJson(response, 200, rules.rules())
}

async function putDisorder({ request, response }: Exchange, { webhooks }: AdminOptions): Promise<void> {
  const disorder = disorderSchema.parse(await readJson(request))
  webhooks.misbehave(disorder)
  sendJson(response, 200, disorder)
}

const text = z.strictObject({ from: z.string().min(1), body: z.string(), optOutType: z.string().optional() })

async function postText({ request, response }: Exchange, { webhooks }: AdminOptions): Promise<void> {
  sendJson(response, 202, webhooks.text(text.parse(await readJson(request))))
}

/** Joined in blocks: a line at a time costs a turn of the event loop each, with millions of entries to read. */
const linesPerBlock = 500

function* ndjson(entries: Iterable<LedgerEntry | WebhookEntry>): Generator<string> {
  let lines: string[] = []
  for (const entry of entries) {
    lines.push(`${JSON.stringify(entry)}\n`)
    if (lines.length < linesPerBlock) continue
    yield lines.join('')
    lines = []
  }
  if (lines.length > 0) yield lines.join('')
}

async function postFaults({ request, response }: Exchange, { faults }: AdminOptions): Promise<void> {
  const body = await readJson(request)
  // Parsed whole before the first is added: a malformed rule leaves the others out too.
  faults.add(...z.array(faultRuleSchema).parse(Array.isArray(body) ? body : [body]))
  sendJson(response, 200, faults.rules())
}

async function deleteFaults({ response, query }: Exchange, { faults }: AdminOptions): Promise<void> {
  faults.clear(z.strictObject({ provider: provider.optional() }).parse(query).provider)
  sendJson(response, 200, faults.rules())
}

async function putLatency({ request, response }: Exchange, { faults }: AdminOptions): Promise<void> {
  const latency = baseLatency.parse(await readJson(request))
  faults.setBaseLatency(latency.provider, 'ms' in latency ? latency.ms : latency.distribution)
  sendJson(response, 200, latency)
}

const baseLatency = z.union([
  z.strictObject({ provider, ms: z.int().min(0) }),
  z.strictObject({ provider, distribution: latencySchema }),
])

async function readJson(request: IncomingMessage): Promise<unknown> {
  return JSON.parse((await readBody(request)) ?? '')
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}
