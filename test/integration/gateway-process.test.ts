import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import { insertCatalogue } from '../support/builders/catalogue.ts'
import { call, insertApp, publishedRequests, refusalIn, type Answer, type TestApp } from '../support/gateway.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import type { RoleProcess } from '../support/role-process.ts'

let pipeline: Pipeline
let app: TestApp

const sideBySide = 8

function at(role: RoleProcess): { url: string } {
  return { url: `http://127.0.0.1:${role.port('gateway')}` }
}

function send(role: RoleProcess, { userId = 1, key }: { userId?: number; key?: string } = {}): Promise<Answer> {
  const headers = key === undefined ? {} : { 'idempotency-key': key }
  return call(at(role), '/v1/notifications', { app, headers, json: { userId, category: 'receipt' } })
}

function idIn({ body }: Answer): string {
  const [accepted] = body['accepted'] as { notificationId: string }[]
  return accepted?.notificationId ?? assert.fail('nothing was accepted')
}

/** Calls side by side, over and over, until one is not answered any more. @returns the answers. */
async function untilGone(ask: (index: number) => Promise<Answer>, told: (count: number) => void): Promise<Answer[]> {
  const answers: Answer[] = []
  let index = 0
  let isGone = false
  const caller = async () => {
    while (!isGone) {
      const answer = await ask((index += 1)).catch(() => undefined)
      if (answer === undefined) isGone = true
      else answers.push(answer)
      told(answers.length)
    }
  }
  await Promise.all(Array.from({ length: sideBySide }, caller))
  return answers
}

describe('the gateway as a process', () => {
  before(async () => {
    pipeline = await startPipeline()
    await insertCatalogue(pipeline.database)
    app = await insertApp(pipeline.database)
  })
  afterEach((context) => pipeline.showLogs(context))
  after(() => pipeline.stop())

  test('is ready, counts what it does, and shows its document without anything from elsewhere', async () => {
    const role = await pipeline.start(['gateway'])
    assert.equal((await send(role)).status, 202)
    assert.equal(refusalIn(await call(at(role), '/v1/notifications', { json: {} })).status, 401)
    assert.equal((await role.admin('/readyz')).status, 200)
    const { body: metrics } = await role.admin('/metrics')
    assert.match(
      metrics,
      /fanfare_http_requests_total\{route="\/v1\/notifications",method="POST",status="202"[^}]*\} 1/,
    )
    assert.match(metrics, /fanfare_gateway_notifications_total\{outcome="accepted"[^}]*\} 1/)
    assert.match(metrics, /fanfare_gateway_authentications_total\{outcome="missing"[^}]*\} 1/)
    assert.ok(!metrics.includes(app.appKey), 'no app in a label')

    const page = await call(at(role), '/docs/')
    assert.equal(page.status, 200)
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'/)
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path)
    assert.ok(assets.length > 3)
    for (const path of assets) {
      assert.match(path, /^\.?\//, 'from this server')
      assert.equal((await call(at(role), new URL(path, 'http://a/docs/').pathname)).status, 200, path)
    }
    const document = await call(at(role), '/docs/json')
    const committed: unknown = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'))
    assert.deepEqual(document.body, committed)
    await role.stop()
  })

  test('answers what it has taken when it is told to stop: what it called accepted is published', async () => {
    const role = await pipeline.start(['gateway'])
    const busy = Promise.withResolvers<void>()
    const calling = untilGone(
      () => send(role),
      (count) => {
        if (count >= 100) busy.resolve()
      },
    )
    await busy.promise
    await role.stop()
    const answers = await calling
    assert.deepEqual(
      answers.map(({ status }) => status).filter((status) => status !== 202 && status !== 503),
      [],
    )
    const published = new Set((await publishedRequests(pipeline)).map(({ event }) => event.notificationId))
    const accepted = answers.filter(({ status }) => status === 202).map(idIn)
    assert.ok(accepted.length >= 100)
    assert.ok(accepted.every((id) => published.has(id)))
  })

  test('killed at any moment loses nothing under a key: the repeat has the same id and the same bytes', async () => {
    const role = await pipeline.start(['gateway'])
    const keys: string[] = []
    const busy = Promise.withResolvers<void>()
    const calling = untilGone(
      (index) => {
        const key = randomUUID()
        keys[index - 1] = key
        return send(role, { userId: index, key })
      },
      (count) => {
        if (count >= 100) busy.resolve()
      },
    )
    await busy.promise
    await role.kill()
    const firstAnswers = await calling
    const next = await pipeline.start(['gateway'])
    // What the dead one had at work is held for half a minute, which nobody has to wait for here.
    await pipeline.database.query(`update idempotency_keys set leased_until = now() where answer is null`)
    const repeats = new Map<string, Answer>()
    for (const [index, key] of keys.entries()) repeats.set(key, await send(next, { userId: index + 1, key }))
    for (const answer of repeats.values()) assert.equal(answer.status, 202)
    const texts = new Set([...repeats.values()].map(({ text }) => text))
    assert.equal(texts.size, keys.length)
    assert.ok(
      firstAnswers.every(({ text }) => texts.has(text)),
      'the same answers',
    )
    const ids = new Set([...repeats.values()].map(idIn))
    const published = (await publishedRequests(pipeline)).filter(({ event }) => ids.has(event.notificationId))
    const values = Map.groupBy(published, ({ event }) => event.notificationId)
    assert.equal(values.size, keys.length, 'each is published')
    for (const [id, records] of values) {
      assert.equal(
        new Set(records.map(({ value }) => Buffer.from(value).toString('hex'))).size,
        1,
        `the bytes of ${id}`,
      )
    }
    await next.stop()
  })
})
