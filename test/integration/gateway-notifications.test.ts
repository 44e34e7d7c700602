import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, describe, test } from 'node:test'
import { insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
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

const path = '/v1/notifications'

function send(json: unknown, { as = app, headers = {} }: { as?: TestApp; headers?: Record<string, string> } = {}) {
  return call(gateway, path, { app: as, json, headers })
}

function aNotification(choices: Record<string, unknown> = {}) {
  return { userId: 1, category: 'receipt', data: { item_name: 'Lamp', date: 'May 1' }, ...choices }
}

function acceptedIds({ body }: Answer): string[] {
  return (body['accepted'] as { notificationId: string }[]).map(({ notificationId }) => notificationId)
}

async function publishedWith(ids: readonly string[]) {
  return (await publishedRequests(pipeline)).filter(({ event }) => ids.includes(event.notificationId))
}

describe('the gateway', () => {
  before(async () => {
    pipeline = await startPipeline()
    await insertCatalogue(pipeline.database)
    await pipeline.database.query(
      `insert into categories (name, lane, channels, time_to_live_seconds, template_id)
       values ('offers', 'bulk', '{push,email}', 3600, 'back-in-stock')`,
    )
    for (const userId of [1, 2, 3, 704, 705]) await insertPerson(pipeline.database, { userId })
    app = await insertApp(pipeline.database)
    gateway = await startTestGateway(pipeline)
    await Promise.all(['transactional', 'bulk'].map((lane) => pipeline.start(['router', '--lane', lane])))
  })
  afterEach((context) => pipeline.showLogs(context))
  after(async () => {
    await gateway.stop()
    await pipeline.stop()
  })

  describe('taking notifications in', () => {
    test('answers one with its id once it is on the topic of its category’s lane, under the user’s key', async () => {
      const transactional = await send(aNotification({ userId: 17 }))
      const bulk = await send(aNotification({ userId: 18, category: 'offers' }))
      assert.deepEqual([transactional.status, bulk.status], [202, 202])
      const published = await publishedWith([...acceptedIds(transactional), ...acceptedIds(bulk)])
      assert.deepEqual(
        published.map(({ lane, key, event }) => ({ lane, key, source: event.source })),
        [
          { lane: 'transactional', key: '17', source: app.appKey },
          { lane: 'bulk', key: '18', source: app.appKey },
        ],
      )
    })

    test('publishes every field as it was given', async () => {
      const given = {
        notificationId: randomUUID(),
        userId: Number.MAX_SAFE_INTEGER - 1,
        category: 'receipt',
        template: 'back-in-stock',
        locale: 'ko-KR',
        data: { price: '12.30', count: 2, gift: true, note: null, lines: [{ name: 'Lamp', count: 1 }] },
        channels: ['sms', 'email'],
        sendAt: '2126-01-01T00:00:00Z',
        expiresAt: '2126-01-02T00:00:00+09:00',
        collapseKey: 'order 1',
        createdAt: new Date().toISOString(),
      }
      const createdAt = Date.parse(given.createdAt)
      const soon = new Date(createdAt + 3_600_000).toISOString()
      const later = new Date(createdAt + 7_200_000).toISOString()
      const answer = await send({ ...given, sendAt: soon, expiresAt: later })
      assert.equal(answer.status, 202, answer.text)
      const [published] = await publishedWith([given.notificationId])
      assert.deepEqual(
        { ...published?.event },
        {
          ...given,
          source: app.appKey,
          createdAt,
          sendAt: Date.parse(soon),
          expiresAt: Date.parse(later),
        },
      )
    })

    test('passes a trace on, and nothing that is none', async () => {
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      const traced = acceptedIds(await send(aNotification({ userId: 711 }), { headers: { traceparent } }))
      await send(aNotification({ userId: 712 }), { headers: { traceparent: 'x-pass: 7' } })
      assert.equal(traced.length, 1)
      const records = await pipeline.read(pipeline.topics.requested('transactional'))
      const headersOf = (userId: string) =>
        records
          .filter(({ key }) => Buffer.from(key ?? []).toString() === userId)
          .map(({ headers }) => Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`))
      assert.deepEqual(headersOf('711'), [[`traceparent: ${traceparent}`]])
      assert.deepEqual(headersOf('712'), [[]])
    })

    test('takes 500 at once, and refuses 501', async () => {
      const batch = (count: number) => ({
        notifications: Array.from({ length: count }, (_, index) => aNotification({ userId: index + 1 })),
      })
      const answer = await send(batch(500))
      assert.equal(answer.status, 202)
      const ids = acceptedIds(answer)
      assert.equal(new Set(ids).size, 500)
      assert.equal((await publishedWith(ids)).length, 500)
      assert.deepEqual(refusalIn(await send(batch(501))), { status: 400, kind: 'invalid', fields: ['/notifications'] })
      assert.deepEqual(refusalIn(await send(batch(0))), { status: 400, kind: 'invalid', fields: ['/notifications'] })
    })

    test('publishes what is right of a batch, and names what is wrong with the rest', async () => {
      const answer = await send({
        notifications: [
          aNotification(),
          aNotification({ category: 'no-such' }),
          aNotification({ userId: 0, colour: 'red' }),
          aNotification({ channels: ['fax'] }),
          'nothing',
          aNotification({ userId: 2 }),
        ],
      })
      assert.equal(answer.status, 207)
      assert.equal((await publishedWith(acceptedIds(answer))).length, 2)
      const { accepted, refused } = answer.body as {
        accepted: { index: number }[]
        refused: { index: number; faults: { field: string }[] }[]
      }
      assert.deepEqual(
        accepted.map(({ index }) => index),
        [0, 5],
      )
      assert.deepEqual(
        refused.map(({ index, faults }) => [index, faults.map(({ field }) => field)]),
        [
          [1, ['/notifications/1/category']],
          [2, ['/notifications/2/userId', '/notifications/2/colour']],
          [3, ['/notifications/3/channels/0']],
          [4, ['/notifications/4']],
        ],
      )
    })

    const day = 86_400_000
    const at = (offsetMs: number) => new Date(Date.now() + offsetMs).toISOString()
    const wrong: Record<string, [Record<string, unknown>, string]> = {
      'an id that is no UUID': [{ notificationId: 'order-1' }, '/notificationId'],
      'a user that is no positive integer': [{ userId: 1.5 }, '/userId'],
      'a user beyond the safe integers': [{ userId: Number.MAX_SAFE_INTEGER }, '/userId'],
      'a category of no form': [{ category: '' }, '/category'],
      'a category that does not exist': [{ category: 'no-such' }, '/category'],
      'a locale that is none': [{ locale: '!!' }, '/locale'],
      'data that nests': [{ data: { a: { b: 1 } } }, '/data/a'],
      'a time without an offset': [{ sendAt: '2026-11-22T10:00:00' }, '/sendAt'],
      'an expiry before the event': [{ expiresAt: at(-1_000) }, '/expiresAt'],
      'an expiry before sendAt': [{ sendAt: at(2 * day), expiresAt: at(day) }, '/expiresAt'],
      'a sendAt beyond the horizon': [{ sendAt: at(22 * day) }, '/sendAt'],
      'an event of last week': [{ createdAt: at(-8 * day) }, '/createdAt'],
      'an event of tomorrow': [{ createdAt: at(day) }, '/createdAt'],
      'a field that nobody knows': [{ colour: 'red' }, '/colour'],
      'a field that Object has': [{ constructor: 1 }, '/constructor'],
      'more than a record holds': [{ data: { a: 'x'.repeat(300_000) } }, '/'],
    }
    for (const [what, [choices, field]] of Object.entries(wrong)) {
      test(`refuses ${what}, by name`, async () => {
        const answer = await send(aNotification(choices))
        assert.deepEqual(refusalIn(answer), { status: 400, kind: 'invalid', fields: [field] }, answer.text)
      })
    }

    test('lets an app send only its categories and channels', async () => {
      const own = await insertApp(pipeline.database, { categories: ['offers', 'receipt'], channels: ['email'] })
      const other = await insertApp(pipeline.database, { categories: ['offers'] })
      assert.equal(refusalIn(await send(aNotification(), { as: other })).status, 403)
      assert.equal(refusalIn(await send(aNotification({ category: 'no-such' }), { as: other })).status, 403)
      // The category would go out by push as well.
      assert.equal(refusalIn(await send(aNotification({ category: 'offers' }), { as: own })).status, 403)
      assert.equal(refusalIn(await send(aNotification({ channels: ['sms'] }), { as: own })).status, 403)
      assert.equal((await send(aNotification({ channels: ['email'] }), { as: own })).status, 202)
    })
  })

  describe('looking up', () => {
    test('shows what became of a notification to the app that sent it, and to no other', async () => {
      const [id = ''] = acceptedIds(await send(aNotification({ userId: 1, channels: ['sms', 'email'] })))
      await pipeline.untilRouted()
      const found = await call(gateway, `${path}/${id.toUpperCase()}`, { app })
      assert.equal(found.status, 200)
      const { notificationId, source, decision, deliveries } = found.body as Record<string, unknown> & {
        deliveries: { channel: string; state: string }[]
      }
      assert.deepEqual([notificationId, source, decision], [id, app.appKey, 'routed'])
      assert.deepEqual(deliveries.map(({ channel, state }) => `${channel} ${state}`).toSorted(), [
        'email routed',
        'sms routed',
      ])
      const reported = '2026-11-22T10:00:00.000Z'
      await pipeline.database.query(`update deliveries set opened_at = $2 where notification_id = $1`, [id, reported])
      const opened = await call(gateway, `${path}/${id}`, { app })
      const [delivery] = opened.body['deliveries'] as Record<string, unknown>[]
      assert.deepEqual([delivery?.['openedAt'], delivery?.['clickedAt']], [reported, null])
      assert.doesNotMatch(found.text, /@example\.com|\+1415|Lamp/, 'no address and nothing of the message')
      const other = await insertApp(pipeline.database)
      assert.equal(refusalIn(await call(gateway, `${path}/${id}`, { app: other })).status, 404)
      const asked = await call(gateway, `${path}/${id}?source=${app.appKey}`, { app: other })
      assert.equal(refusalIn(asked).status, 403)
      const admin = await insertApp(pipeline.database, { scopes: ['admin'] })
      assert.equal((await call(gateway, `${path}/${id}`, { app: admin })).status, 200)
    })

    test('of an id that two apps used asks an admin which', async () => {
      const notificationId = randomUUID()
      const other = await insertApp(pipeline.database)
      await send(aNotification({ notificationId }))
      await send(aNotification({ notificationId }), { as: other })
      await pipeline.untilRouted()
      const admin = await insertApp(pipeline.database, { scopes: ['admin'] })
      assert.equal(refusalIn(await call(gateway, `${path}/${notificationId}`, { app: admin })).kind, 'conflict')
      const asked = await call(gateway, `${path}/${notificationId}?source=${other.appKey}`, { app: admin })
      assert.equal(asked.body['source'], other.appKey)
    })

    test('lists a person’s notifications in pages, each once, whatever comes meanwhile', async () => {
      const ids = acceptedIds(
        await send({
          notifications: Array.from({ length: 7 }, () => aNotification({ userId: 704, channels: ['sms'] })),
        }),
      )
      await pipeline.untilRouted()
      const seen: string[] = []
      let cursor: string | null = null
      do {
        const at: string = cursor === null ? '' : `&cursor=${cursor}`
        const { status, body } = await call(gateway, `${path}?user=704&limit=3${at}`, { app })
        assert.equal(status, 200)
        seen.push(...(body['notifications'] as { notificationId: string }[]).map((each) => each.notificationId))
        cursor = body['nextCursor'] as string | null
        await send(aNotification({ userId: 704, channels: ['sms'] }))
        await pipeline.untilRouted()
      } while (cursor !== null)
      assert.equal(new Set(seen).size, seen.length, 'none twice')
      assert.ok(
        ids.every((id) => seen.includes(id)),
        'none is missing',
      )
      assert.deepEqual(seen, seen.toSorted().toReversed())
    })

    test('filters by decision, by state, by time and by app', async () => {
      const list = async (query: string, as = app) => {
        const { status, body, text } = await call(gateway, `${path}?user=705&limit=100${query}`, { app: as })
        assert.equal(status, 200, text)
        return (body['notifications'] as { notificationId: string }[]).map((each) => each.notificationId)
      }
      const [routed = ''] = acceptedIds(await send(aNotification({ userId: 705, channels: ['sms'] })))
      const sendAt = new Date(Date.now() + 3_600_000).toISOString()
      const [deferred = ''] = acceptedIds(await send(aNotification({ userId: 705, sendAt })))
      await pipeline.untilRouted()
      assert.deepEqual(await list('&status=routed'), [routed])
      assert.deepEqual(await list('&status=deferred'), [deferred])
      assert.deepEqual(await list('&status=sent'), [])
      assert.deepEqual(await list(`&from=${encodeURIComponent(new Date(Date.now() + 60_000).toISOString())}`), [])
      assert.deepEqual(await list('', await insertApp(pipeline.database)), [])
      const admin = await insertApp(pipeline.database, { scopes: ['admin'] })
      assert.equal((await list(`&source=${app.appKey}`, admin)).length, 2)
    })

    test('refuses a cursor that no page answered, and a query that nobody knows', async () => {
      const cursor = Buffer.from('["2026-11-22","x\' or 1=1","a"]').toString('base64url')
      for (const query of [
        `user=1&cursor=${cursor}`,
        'user=1&cursor=%00',
        'user=1&colour=red',
        'user=0',
        'user=1&limit=101',
        '',
      ]) {
        assert.equal(refusalIn(await call(gateway, `${path}?${query}`, { app })).status, 400, query)
      }
    })
  })

  describe('taking back', () => {
    const takeBack = (id: string, query = '', as = app) =>
      call(gateway, `${path}/${id}${query}`, { app: as, method: 'DELETE' })

    test('stops what nobody has claimed, says so, and the same again', async () => {
      const [id = ''] = acceptedIds(await send(aNotification({ channels: ['sms', 'email'] })))
      await pipeline.untilRouted()
      const first = await takeBack(id)
      assert.equal(first.status, 200, first.text)
      assert.equal(first.body['found'], 'routed')
      const states = (first.body['deliveries'] as { state: string }[]).map(({ state }) => state)
      assert.deepEqual(states, ['cancelled', 'cancelled'])
      const cancelled = (await pipeline.statuses(id)).filter(({ status }) => status === 'cancelled')
      assert.equal(cancelled.length, 2)
      assert.deepEqual((await takeBack(id)).body['deliveries'], first.body['deliveries'])
    })

    test('stops one that is not decided yet by its user and time: when it comes, it is not sent', async () => {
      const notification = {
        ...aNotification({ userId: 2 }),
        notificationId: randomUUID(),
        createdAt: new Date().toISOString(),
      }
      const { notificationId: id, createdAt } = notification
      assert.equal(refusalIn(await takeBack(id)).status, 404)
      const answer = await takeBack(id, `?userId=2&createdAt=${encodeURIComponent(createdAt)}`)
      assert.equal(answer.body['found'], 'absent', answer.text)
      await send(notification)
      await pipeline.untilRouted()
      assert.deepEqual(
        (await pipeline.statuses(id)).map(({ status }) => status),
        ['cancelled'],
      )
    })

    test('leaves the notifications of others alone', async () => {
      const [id = ''] = acceptedIds(await send(aNotification({ channels: ['sms'] })))
      await pipeline.untilRouted()
      const other = await insertApp(pipeline.database)
      assert.equal(refusalIn(await takeBack(id, '', other)).status, 404)
      assert.equal(refusalIn(await takeBack(id, `?source=${app.appKey}`, other)).status, 403)
      const { body } = await call(gateway, `${path}/${id}`, { app })
      assert.equal((body['deliveries'] as { state: string }[])[0]?.state, 'routed')
    })

    test('refuses a time at which it can neither have come nor come', async () => {
      for (const createdAt of ['2020-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '0000-01-01T00:00:00Z']) {
        const answer = await takeBack(randomUUID(), `?userId=2&createdAt=${createdAt}`)
        assert.deepEqual(refusalIn(answer), { status: 400, kind: 'invalid', fields: ['query/createdAt'] })
      }
    })
  })
})
