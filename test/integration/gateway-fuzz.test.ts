/**
 * Bad input, and good: ten thousand requests that are made from the OpenAPI document, against the running gateway.
 *
 * Prints its seed; `SEED=…` brings a run back, and `FUZZED=…` makes it longer.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { fuzzedRequest, type FuzzedRequest } from '../support/fuzzed-request.ts'
import { allExamples } from '../support/gateway-examples/all-examples.ts'
import { callOperation, type GatewayWorld } from '../support/gateway-examples/example.ts'
import { insertApp, publishedRequests, startTestGateway, type Answer } from '../support/gateway.ts'
import { readOpenApiDocument } from '../support/openapi-document.ts'
import { startPipeline } from '../support/pipeline.ts'
import { liquidProduct } from '../support/schema-arbitrary.ts'

const requestsCount = Number(process.env['FUZZED'] ?? 10_000)
const sideBySide = 16
/** Of all requests; the document's own rules about times and ids refuse some that are meant well. */
const validShareMin = 0.3

const document = await readOpenApiDocument()
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
)

let world: GatewayWorld

function describeRequest({ method, path, request }: FuzzedRequest): string {
  return `${method} ${path} ${JSON.stringify(request).slice(0, 1_500)}`
}

/** What no answer may be or hold, whatever was asked. */
function assertHarmless(answer: Answer, asked: FuzzedRequest): void {
  const { status, text, headers } = answer
  const what = `${describeRequest(asked)}\n→ ${status} ${text.slice(0, 500)}`
  assert.ok(status < 500, what)
  const declared = asked.operation.responses[String(status)]
  // A path that is empty or too long is another route, or none.
  assert.ok(declared !== undefined || status === 404, `not declared: ${what}`)
  if (status >= 400) assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/, what)
  assert.doesNotMatch(text, /\bat [\w.<>]+ \(|node_modules|\.ts:\d+/, `a stack trace: ${what}`)
  assert.ok(!text.includes(world.app.secret) && !text.includes(world.app.authorization), `a secret: ${what}`)
  assert.ok(!text.includes(liquidProduct), `Liquid ran: ${what}`)
  assert.equal(headers.get('x-injected'), null, what)
}

async function tableCounts(): Promise<unknown> {
  return world.database.query(
    `select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace order by 1`,
  )
}

describe('ten thousand requests by chance', () => {
  before(async () => {
    const pipeline = await startPipeline()
    const { database } = pipeline
    await insertCatalogue(database)
    const userIds = [1, 2, 3, 4, 5]
    for (const userId of userIds) await insertPerson(database, { userId })
    const scopes = ['admin', 'notifications:send', 'users:write'] as const
    const app = await insertApp(database, { scopes, rateLimitPerSecond: 1_000_000 })
    const gateway = await startTestGateway(pipeline)
    world = { gateway, database, pipeline, app, userIds }
  })
  after(async () => {
    await world.gateway.stop()
    await world.pipeline.stop()
  })

  test('are answered without a fault of ours, and every operation succeeds among them', async (context) => {
    const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31))
    context.diagnostic(`SEED=${seed}`)
    const requests = fc.sample(await anyRequest(), { numRuns: requestsCount, seed })
    const tablesBefore = await tableCounts()
    const succeeded = new Map<string, number>(operations.map(({ operation }) => [operation.operationId, 0]))
    let valid = 0
    const queue = requests.entries()
    const startedMs = performance.now()
    let isOver = false
    const work = async () => {
      for (const [index, asked] of queue) {
        if (isOver) return
        const answer = await callOperation(world.gateway, asked, asked.request, world.app).catch((error: unknown) => {
          throw new Error(`SEED=${seed} request ${index} got no answer: ${describeRequest(asked)}`, { cause: error })
        })
        assertHarmless(answer, asked)
        if (answer.status >= 300) continue
        valid += 1
        const { operationId } = asked.operation
        succeeded.set(operationId, (succeeded.get(operationId) ?? 0) + 1)
      }
    }
    const workers = Array.from({ length: sideBySide }, work)
    try {
      await Promise.all(workers)
    } finally {
      isOver = true
      await Promise.allSettled(workers)
    }
    const seconds = (performance.now() - startedMs) / 1_000
    const share = valid / requests.length
    context.diagnostic(`${requests.length} requests in ${seconds.toFixed(1)} s, ${(share * 100).toFixed(0)} % valid`)
    for (const [operationId, count] of succeeded) context.diagnostic(`${operationId}: ${count} succeeded`)
    assert.ok(share >= validShareMin, `${valid} of ${requests.length} are valid`)
    const without = [...succeeded].filter(([, count]) => count === 0).map(([operationId]) => operationId)
    assert.deepEqual(without, [], 'operations that never succeeded')
    assert.deepEqual(await tableCounts(), tablesBefore)
    const faults = world.gateway.log.filter((line) => line.includes('"level":"error"'))
    assert.deepEqual(faults, [])
  })

  test('published no more than they were told, and nothing that was not accepted', async () => {
    const accepted = await world.gateway.counted('fanfare_gateway_notifications_total', { outcome: 'accepted' })
    const published = await publishedRequests(world.pipeline)
    assert.ok(accepted > 0)
    assert.equal(published.length, accepted)
    assert.ok(published.every(({ event }) => event.source === world.app.appKey && event.category === 'receipt'))
  })
})

/** Of every operation alike, with values that exist. */
async function anyRequest(): Promise<fc.Arbitrary<FuzzedRequest>> {
  // Some values that are known are decided notifications, and nobody else needs a router here.
  const routers = await Promise.all(
    ['transactional', 'bulk'].map((lane) => world.pipeline.start(['router', '--lane', lane])),
  )
  const nowMs = Date.now()
  const arbitraries: fc.Arbitrary<FuzzedRequest>[] = []
  for (const target of operations) {
    const known = (await allExamples[target.operation.operationId]?.known?.(world)) ?? {}
    arbitraries.push(fuzzedRequest(target, { components: document.components.schemas, known, nowMs }))
  }
  for (const router of routers) await router.stop()
  return fc.oneof(...arbitraries)
}
