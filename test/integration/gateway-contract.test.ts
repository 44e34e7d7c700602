import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { z } from 'zod'
import { startTcpProxy } from '../faults/proxy/tcp-proxy.ts'
import { insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { allExamples } from '../support/gateway-examples/all-examples.ts'
import { callOperation, type ExampleRequest, type GatewayWorld } from '../support/gateway-examples/example.ts'
import { insertApp, startTestGateway, type Answer } from '../support/gateway.ts'
import { readOpenApiDocument, type Operation } from '../support/openapi-document.ts'
import { startPipeline } from '../support/pipeline.ts'

const document = await readOpenApiDocument()
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
)

let world: GatewayWorld

/** By the schema that the document declares for the status and the content type. */
function assertDeclared(answer: Answer, { operationId, responses }: Operation): void {
  const declared = responses[String(answer.status)]
  assert.ok(declared !== undefined, `${operationId} does not declare ${answer.status}: ${answer.text.slice(0, 300)}`)
  const [contentType = ''] = (answer.headers.get('content-type') ?? '').split(';')
  const { content } = declared
  if (content === undefined) return assert.equal(answer.text, '')
  const schema = content[contentType]?.schema
  assert.ok(schema !== undefined, `${operationId} does not declare ${contentType} for ${answer.status}`)
  const whole = JSON.parse(
    JSON.stringify({ ...schema, $defs: document.components.schemas }).replaceAll('#/components/schemas/', '#/$defs/'),
  ) as Parameters<typeof z.fromJSONSchema>[0]
  const validator = z.fromJSONSchema(whole)
  for (const part of partsOf(answer, contentType)) {
    const parsed = validator.safeParse(part)
    assert.ok(parsed.success, `${operationId} ${answer.status}: ${parsed.error?.message}\n${answer.text.slice(0, 500)}`)
  }
}

/** Of lines of JSON the schema describes each. */
function partsOf({ text, body }: Answer, contentType: string): unknown[] {
  if (!contentType.includes('ndjson')) return [body]
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

function assertRefused(answer: Answer, status: number, operation: Operation): void {
  assert.equal(answer.status, status, `${operation.operationId}: ${answer.text.slice(0, 300)}`)
  assertDeclared(answer, operation)
}

/** Of lines each is judged by itself, and the request succeeds. */
function canBeWrong({ requestBody, parameters = [] }: Operation): boolean {
  const places = parameters.map((each) => each.in)
  return takesJson(requestBody) || places.includes('query') || places.includes('path')
}

function takesJson(requestBody: Operation['requestBody']): boolean {
  return requestBody?.content['application/json'] !== undefined
}

/** Something about it that no schema lets through. */
function madeWrong(request: ExampleRequest, { requestBody, parameters = [] }: Operation): ExampleRequest {
  if (takesJson(requestBody)) return { ...request, json: 'nothing of the kind' }
  if (parameters.some((each) => each.in === 'query')) return { ...request, query: { ...request.query, 'no-such': '1' } }
  const [inPath] = parameters.filter((each) => each.in === 'path')
  return { ...request, params: { ...request.params, [inPath?.name ?? '']: '\u0000 ' } }
}

describe('the OpenAPI document against the running gateway', () => {
  before(async () => {
    const pipeline = await startPipeline()
    const { database } = pipeline
    await insertCatalogue(database)
    const userIds = [1, 2, 3]
    for (const userId of userIds) await insertPerson(database, { userId })
    const app = await insertApp(database, { scopes: ['admin', 'notifications:send', 'users:write'] })
    await Promise.all(['transactional', 'bulk'].map((lane) => pipeline.start(['router', '--lane', lane])))
    const gateway = await startTestGateway(pipeline)
    world = { gateway, database, pipeline, app, userIds }
  })
  after(async () => {
    await world.gateway.stop()
    await world.pipeline.stop()
  })

  test('there is an example of every operation, and none of an operation that is not there', () => {
    assert.deepEqual(
      Object.keys(allExamples).toSorted(),
      operations.map(({ operation }) => operation.operationId).toSorted(),
    )
  })

  for (const { method, path, operation } of operations) {
    const example = allExamples[operation.operationId]
    if (example === undefined) continue
    const ask = (request: ExampleRequest, app = world.app) =>
      callOperation(world.gateway, { method, path }, request, app)

    describe(`${method.toUpperCase()} ${path}`, () => {
      test('succeeds as it is declared', async () => {
        const answer = await ask(await example.success(world))
        assert.ok(answer.status < 300, `${answer.status}: ${answer.text.slice(0, 500)}`)
        assertDeclared(answer, operation)
      })

      test('asks for credentials, for its scope and for patience', async () => {
        const request = await example.success(world)
        const unknown = await callOperation(world.gateway, { method, path }, request)
        assertRefused(unknown, 401, operation)
        const scope = operation['x-scope']
        if (scope !== 'any') {
          const scopes = scope === 'users:write' ? (['notifications:send'] as const) : (['users:write'] as const)
          assertRefused(await ask(request, await insertApp(world.database, { scopes })), 403, operation)
        }
        const slow = await insertApp(world.database, { scopes: ['admin'], rateLimitPerSecond: 1 })
        const answers = await Promise.all(Array.from({ length: 4 }, () => ask(request, slow)))
        const refused = answers.find(({ status }) => status === 429)
        assert.ok(refused !== undefined, answers.map(({ status }) => status).join())
        assertRefused(refused, 429, operation)
      })

      if (canBeWrong(operation)) {
        test('refuses what its schema does not know', async () => {
          assertRefused(await ask(madeWrong(await example.success(world), operation)), 400, operation)
        })
      }

      if (operation.requestBody !== undefined) {
        test('refuses bodies that are too large or of another type', async () => {
          const request: ExampleRequest = { ...(await example.success(world)), json: undefined }
          const xml = { contentType: 'application/xml', body: '<a/>' }
          assertRefused(await ask({ ...request, raw: xml }), 415, operation)
          const [contentType = ''] = Object.keys(operation.requestBody?.content ?? {})
          if (contentType !== 'application/json') return
          const large = { contentType, body: `{"a":"${'x'.repeat(2_000_000)}"}` }
          assertRefused(await ask({ ...request, raw: large }), 413, operation)
        })
      }

      const ofEvery = new Set([400, 401, 403, 413, 415, 429, 500, 503])
      for (const status of Object.keys(operation.responses).map(Number)) {
        if (status < 300 || ofEvery.has(status) || example.byChance?.includes(status) === true) continue
        test(`refuses with ${status} as it is declared`, async () => {
          const refused = example.refusals?.[status]
          assert.ok(refused !== undefined, `no example of ${operation.operationId} is refused with ${status}`)
          assertRefused(await ask(await refused(world)), status, operation)
        })
      }
    })
  }

  test('every operation says so while the database is away', async () => {
    const proxy = await startTcpProxy({ random: Math.random })
    const direct = new URL(world.database.url)
    proxy.aim({ host: direct.hostname, port: Number(direct.port) })
    direct.port = String(proxy.port)
    const cutOff = await startTestGateway(world.pipeline, { FANFARE_POSTGRES_URL: direct.href })
    const requests = new Map<string, ExampleRequest>()
    for (const [name, example] of Object.entries(allExamples)) requests.set(name, await example.success(world))
    await proxy.break('refuse')
    for (const { method, path, operation } of operations) {
      const request = requests.get(operation.operationId)
      if (request === undefined) continue
      assertRefused(await callOperation(cutOff, { method, path }, request, world.app), 503, operation)
    }
    await cutOff.stop()
    await proxy.close()
  })
})
