import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTcpProxy } from '../faults/proxy/tcp-proxy.ts'
import { insertCatalogue } from '../support/builders/catalogue.ts'
import { runCommand } from '../support/command-run.ts'
import { eventually } from '../support/eventually.ts'
import {
  basic,
  call,
  insertApp,
  insertSecret,
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

const path = '/v1/notifications?user=1'
let addresses = 0

/** Each call comes from an address of its own, as the proxy in front says, unless one is named. */
function ask(authorization: string | undefined, { at = gateway, address = `192.0.2.${(addresses += 1)}` } = {}) {
  const headers = { 'x-forwarded-for': address, ...(authorization === undefined ? {} : { authorization }) }
  return call(at, path, { headers })
}

/** What `fanfare app` printed of a new app or secret. */
function printedSecret(stdout: string): { appKey: string; secret: string; authorization: string } {
  const [, appKey = '', secret = ''] = /app key: {4}(\S+)\napp secret: (\S+)\n/.exec(stdout) ?? []
  return { appKey, secret, authorization: basic(appKey, secret) }
}

async function untilRefused(authorization: string, limitMs: number): Promise<void> {
  await eventually(async () => ((await ask(authorization)).status === 401 ? undefined : 'still let in'), limitMs, 100)
}

describe('the gateway', () => {
  before(async () => {
    pipeline = await startPipeline()
    await insertCatalogue(pipeline.database)
    app = await insertApp(pipeline.database)
    gateway = await startTestGateway(pipeline, { FANFARE_GATEWAY_TRUSTED_PROXIES: '1' })
  })
  after(async () => {
    await gateway.stop()
    await pipeline.stop()
  })

  test('lets an app in with its secret, and answers everything else alike', async () => {
    assert.equal((await ask(app.authorization)).status, 200)
    const { appKey, secret } = app
    const wrong: Record<string, string | undefined> = {
      nothing: undefined,
      'another scheme': `Bearer ${secret}`,
      'no base64': 'Basic !!!!',
      'no colon': `Basic ${Buffer.from('shop').toString('base64')}`,
      'no key': basic('', secret),
      'no secret': basic(appKey, ''),
      'another secret': basic(appKey, `${secret}x`),
      'part of the secret': basic(appKey, secret.slice(0, -1)),
      'the key in capitals': basic(appKey.toUpperCase(), secret),
      'a key that nobody has': basic('nobody', secret),
      'a key that is SQL': basic(`' or 1=1 --`, secret),
      'the property of an object': basic('__proto__', secret),
      'a header without an end': `Basic ${'A'.repeat(10_000)}`,
    }
    for (const [what, authorization] of Object.entries(wrong)) {
      const answer = await ask(authorization)
      assert.deepEqual(refusalIn(answer), { status: 401, kind: 'unauthenticated', fields: [] }, what)
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Basic /)
      assert.ok(!answer.text.includes(secret), 'no echo')
    }
    assert.ok(!gateway.log.join('').includes(secret), 'nothing in the log')
  })

  test('asks for the scope of the route', async () => {
    const people = await insertApp(pipeline.database, { scopes: ['users:write'] })
    const admin = await insertApp(pipeline.database, { scopes: ['admin'] })
    assert.deepEqual(refusalIn(await ask(people.authorization)), { status: 403, kind: 'forbidden', fields: [] })
    assert.equal((await ask(admin.authorization)).status, 200)
  })

  test('knows an app as soon as the command made it', async () => {
    const created = await runCommand(pipeline, ['app', 'create', 'shop', '--category', 'receipt', '--rate', '7'])
    assert.equal(created.code, 0, created.stderr)
    const made = printedSecret(created.stdout)
    assert.equal(Buffer.from(made.secret.replace('ffs_', ''), 'base64url').length, 32)
    const answer = await ask(made.authorization)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('ratelimit-limit'), '7')
    const again = await runCommand(pipeline, ['app', 'create', 'shop'])
    assert.notEqual(again.code, 0)
    const [kept] = await pipeline.database.query<{ text: string }>(
      `select string_agg(row_to_json(apps)::text || row_to_json(app_secrets)::text, '') as text
       from apps join app_secrets using (app_key)`,
    )
    assert.ok(kept?.text.includes('shop') && !kept.text.includes(made.secret), 'the secret is not kept')
  })

  test('takes the old and the new secret until the old one’s end', async () => {
    const { appKey, authorization: old } = await insertApp(pipeline.database)
    assert.equal((await ask(old)).status, 200)
    const rotated = await runCommand(pipeline, ['app', 'rotate', appKey, '--grace', '1h'])
    const { authorization: next } = printedSecret(rotated.stdout)
    assert.deepEqual([(await ask(next)).status, (await ask(old)).status], [200, 200])
    const third = await runCommand(pipeline, ['app', 'rotate', appKey])
    assert.notEqual(third.code, 0, 'two are live at most')
    const leaked = await runCommand(pipeline, ['app', 'rotate', appKey, '--grace', '0s'])
    const { authorization: last } = printedSecret(leaked.stdout)
    assert.equal((await ask(last)).status, 200)
    await untilRefused(old, 5_000)
    await untilRefused(next, 5_000)
  })

  test('refuses a secret from its end on, without a look at the database', async () => {
    const { appKey } = await insertApp(pipeline.database)
    const ended = await insertSecret(pipeline.database, appKey, { expiresAt: new Date(Date.now() - 1) })
    const ending = await insertSecret(pipeline.database, appKey, { expiresAt: new Date(Date.now() + 1_500) })
    assert.equal((await ask(ended.authorization)).status, 401)
    assert.equal((await ask(ending.authorization)).status, 200)
    await untilRefused(ending.authorization, 3_000)
  })

  test('refuses a disabled app within 5 seconds, also one that calls all the time, and lets it in again', async () => {
    const own = await insertApp(pipeline.database)
    assert.equal((await ask(own.authorization)).status, 200)
    const disabled = await runCommand(pipeline, ['app', 'disable', own.appKey])
    assert.equal(disabled.code, 0, disabled.stderr)
    await untilRefused(own.authorization, 5_000)
    const listed = await runCommand(pipeline, ['app', 'list'])
    assert.match(listed.stdout, new RegExp(`${own.appKey} +disabled `))
    await runCommand(pipeline, ['app', 'enable', own.appKey])
    assert.equal((await ask(own.authorization)).status, 200)
    const [{ count } = { count: 0 }] = await pipeline.database.query<{ count: number }>(
      `select count(*)::integer as count from operator_actions where target = $1 and finished_at is not null`,
      [own.appKey],
    )
    assert.equal(count, 2, 'on record')
  })

  test('limits failures by address, and lets right credentials from there through', async () => {
    const address = '198.51.100.7'
    const statuses: number[] = []
    for (let index = 0; index < 35; index += 1) statuses.push((await ask(undefined, { address })).status)
    assert.deepEqual([statuses.indexOf(429), new Set(statuses.slice(30))], [30, new Set([429])])
    const locked = await ask(basic(app.appKey, 'wrong'), { address })
    assert.equal(refusalIn(locked).kind, 'rate_limited')
    assert.ok(Number(locked.headers.get('retry-after')) >= 1)
    assert.equal((await ask(app.authorization, { address })).status, 200)
    assert.equal((await ask(undefined)).status, 401, 'another address is told')
  })

  describe('limits an app to its rate', () => {
    const burst = async (own: TestApp, gateways: readonly TestGateway[]) => {
      // Two windows may lie side by side in the time that these take; more cannot.
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, index) => ask(own.authorization, { at: gateways[index % gateways.length] })),
      )
      const refused = answers.filter(({ status }) => status === 429)
      for (const answer of refused) {
        assert.equal(refusalIn(answer).kind, 'rate_limited')
        assert.equal(answer.headers.get('ratelimit-remaining'), '0')
        assert.ok(Number(answer.headers.get('retry-after')) >= 1)
      }
      return answers.filter(({ status }) => status === 200)
    }

    test('over all replicas together, and tells it where it stands', async () => {
      const own = await insertApp(pipeline.database, { rateLimitPerSecond: 5 })
      const replica = await startTestGateway(pipeline, { FANFARE_GATEWAY_TRUSTED_PROXIES: '1' })
      await ask(own.authorization, { at: replica })
      const letIn = await burst(own, [gateway, replica])
      assert.ok(letIn.length <= 10, `${letIn.length} of 40`)
      assert.equal(letIn[0]?.headers.get('ratelimit-limit'), '5')
      assert.equal(await replica.counted('fanfare_gateway_requests_counted_alone_total'), 0)
      await replica.stop()
    })

    test('by each process alone while Redis is away', async () => {
      const own = await insertApp(pipeline.database, { rateLimitPerSecond: 5 })
      const alone = await startTestGateway(pipeline, {
        FANFARE_GATEWAY_TRUSTED_PROXIES: '1',
        FANFARE_REDIS_URL: 'redis://127.0.0.1:1',
      })
      const letIn = await burst(own, [alone])
      assert.ok(letIn.length >= 5 && letIn.length <= 10, `${letIn.length} of 40`)
      assert.ok((await alone.counted('fanfare_gateway_requests_counted_alone_total')) >= 40)
      await alone.stop()
    })
  })

  test('lets nobody in while it cannot know who may come in, and all again when it can', async () => {
    const proxy = await startTcpProxy({ random: Math.random })
    const direct = new URL(pipeline.database.url)
    proxy.aim({ host: direct.hostname, port: Number(direct.port) })
    direct.port = String(proxy.port)
    const cutOff = await startTestGateway(pipeline, { FANFARE_POSTGRES_URL: direct.href })
    assert.equal((await ask(app.authorization, { at: cutOff })).status, 200)
    await proxy.break('refuse')
    let answer: Answer | undefined
    await eventually(async () => {
      answer = await ask(app.authorization, { at: cutOff })
      return answer.status === 503 ? undefined : `answered ${answer.status}`
    })
    assert.ok(answer !== undefined)
    assert.equal(refusalIn(answer).kind, 'unavailable')
    assert.ok(Number(answer.headers.get('retry-after')) >= 1)
    await proxy.heal()
    await eventually(async () => ((await ask(app.authorization, { at: cutOff })).status === 200 ? undefined : 'away'))
    await cutOff.stop()
    await proxy.close()
  })

  test('believes no more of X-Forwarded-For than its proxies wrote', async () => {
    const behindNone = await startTestGateway(pipeline)
    for (let index = 0; index < 31; index += 1) await ask(undefined, { at: behindNone })
    // Whatever addresses they named, they are one caller's.
    assert.equal((await ask(undefined, { at: behindNone })).status, 429)
    await behindNone.stop()
  })
})
