import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { insertCatalogue } from '../support/builders/catalogue.ts'
import {
  call,
  insertApp,
  publishedRequests,
  refusalIn,
  startTestGateway,
  type Answer,
  type TestApp,
  type TestGateway,
} from '../support/gateway.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

let pipeline: Pipeline
let gateway: TestGateway
let app: TestApp

function send(json: unknown, { as = app, headers = {} }: { as?: TestApp; headers?: Record<string, string> } = {}) {
  return call(gateway, '/v1/notifications', { app: as, json, headers })
}

function aNotification(choices: Record<string, unknown> = {}) {
  return { userId: 1, category: 'receipt', ...choices }
}

function acceptedIds({ body }: Answer): string[] {
  return (body['accepted'] as { notificationId: string }[]).map(({ notificationId }) => notificationId)
}

async function publishedWith(ids: readonly string[]) {
  return (await publishedRequests(pipeline)).filter(({ event }) => ids.includes(event.notificationId))
}

describe('an idempotency key', () => {
  before(async () => {
    pipeline = await startPipeline()
    await insertCatalogue(pipeline.database)
    app = await insertApp(pipeline.database)
    gateway = await startTestGateway(pipeline)
  })
  after(async () => {
    await gateway.stop()
    await pipeline.stop()
  })

  test('repeats the answer byte for byte, and publishes nothing again', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const json = { notifications: [aNotification(), aNotification({ category: 'no-such' })] }
    const first = await send(json, { headers })
    const second = await send(json, { headers })
    assert.deepEqual([first.status, second.status], [207, 207])
    assert.equal(second.text, first.text)
    assert.equal((await publishedWith(acceptedIds(first))).length, 1)
  })

  test('is refused for another body, and free for another app', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const first = await send(aNotification(), { headers })
    assert.deepEqual(refusalIn(await send(aNotification({ userId: 2 }), { headers })), {
      status: 422,
      kind: 'key_reused',
      fields: [],
    })
    const other = await send(aNotification(), { headers, as: await insertApp(pipeline.database) })
    assert.notDeepEqual(acceptedIds(other), acceptedIds(first))
  })

  test('is refused with a body that is nested too deep to be known again, and fails nothing', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const body = `{"notifications":[${JSON.stringify(aNotification())},{"data":${deep}}]}`
    const headers = { 'idempotency-key': randomUUID() }
    const answer = await call(gateway, '/v1/notifications', {
      app,
      headers,
      raw: { contentType: 'application/json', body },
    })
    assert.deepEqual(refusalIn(answer), { status: 400, kind: 'invalid', fields: ['/'] })
    assert.deepEqual((await send(aNotification(), { headers })).status, 202)
  })

  test('of a refused body stays free for a better one', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    assert.equal((await send(aNotification({ userId: 0 }), { headers })).status, 400)
    assert.equal((await send(aNotification(), { headers })).status, 202)
  })

  test('that comes several times at once is published once', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(aNotification(), { headers })))
    const statuses = new Set(answers.map(({ status }) => status))
    assert.ok(statuses.has(202) && statuses.isSubsetOf(new Set([202, 409])), [...statuses].join())
    const accepted = answers.filter(({ status }) => status === 202)
    assert.equal(new Set(accepted.map(({ text }) => text)).size, 1)
    const [first] = accepted
    assert.ok(first !== undefined)
    assert.equal((await publishedWith(acceptedIds(first))).length, 1)
    assert.equal((await send(aNotification(), { headers })).text, first.text)
  })

  test('that a process left without an answer publishes the same bytes again', async () => {
    const idempotencyKey = randomUUID()
    const headers = { 'idempotency-key': idempotencyKey }
    const first = await send(aNotification(), { headers })
    // As a process leaves it that dies after publishing.
    await pipeline.database.query(
      `update idempotency_keys set answer = null, answer_status = null, leased_until = now()
       where idempotency_key = $1`,
      [idempotencyKey],
    )
    const second = await send(aNotification(), { headers })
    assert.equal(second.text, first.text)
    const published = await publishedWith(acceptedIds(first))
    assert.equal(published.length, 2)
    assert.deepEqual(published[0]?.value, published[1]?.value)
  })

  test('is at work while its lease runs, and ends after 24 hours', async () => {
    const idempotencyKey = randomUUID()
    const headers = { 'idempotency-key': idempotencyKey }
    const first = await send(aNotification(), { headers })
    await pipeline.database.query(
      `update idempotency_keys set answer = null, answer_status = null, leased_until = now() + interval '1 hour'
       where idempotency_key = $1`,
      [idempotencyKey],
    )
    assert.equal(refusalIn(await send(aNotification(), { headers })).kind, 'conflict')
    await pipeline.database.query(
      `update idempotency_keys set created_at = now() - interval '25 hours' where idempotency_key = $1`,
      [idempotencyKey],
    )
    const anew = await send(aNotification({ userId: 3 }), { headers })
    assert.equal(anew.status, 202)
    assert.notDeepEqual(acceptedIds(anew), acceptedIds(first))
  })
})
