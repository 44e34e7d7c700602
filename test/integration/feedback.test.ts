/**
 * The closed loop on the real stack: real SDKs send, the simulated providers report by signed webhooks, the edge takes
 * them, the feedback role applies them, and whoever sends next obeys.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, afterEach, before, describe, test } from 'node:test'
import type { DeliveryState } from '../../src/domain/delivery-state.ts'
import type { DeliveryStatus } from '../../src/domain/delivery-status.ts'
import { deliveryIdOf } from '../../src/domain/identity.ts'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import { chooseFreePorts } from '../../src/local/stack/free-port.ts'
import { apnsTokenFor } from '../../src/local/simulator/apns.ts'
import { anEvent, insertCatalogue, insertPerson, phoneNumberOf } from '../support/builders/catalogue.ts'
import {
  callbackParameters,
  sendgridEvent,
  sendgridKeys,
  signedBatch,
  signedForm,
} from '../support/builders/webhooks.ts'
import { eventually } from '../support/eventually.ts'
import { call, insertApp } from '../support/gateway.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

const publicUrl = 'https://fanfare.example.com'
/** Beside the simulator's own: with it a test signs by itself. */
const ownKeys = sendgridKeys()
const deadToken = apnsTokenFor('Unregistered', '01')

let pipeline: Pipeline
let edgeUrl: string
let gatewayUrl: string

before(async () => {
  pipeline = await startPipeline()
  const { database, simulator } = pipeline
  await insertCatalogue(database)
  await database.query(
    `insert into categories (name, lane, channels, time_to_live_seconds, template_id, unknown_policy)
     values ('held', 'transactional', '{sms}', 3600, 'back-in-stock', 'hold')`,
  )
  for (let userId = 1; userId <= 20; userId += 1) {
    await insertPerson(database, { userId, iosTokens: userId === 7 ? [deadToken] : [] })
  }
  const [edgePort, gatewayPort] = await chooseFreePorts(2)
  edgeUrl = `http://127.0.0.1:${edgePort}`
  gatewayUrl = `http://127.0.0.1:${gatewayPort}`
  await pipeline.start(['all'], {
    FANFARE_EDGE_URL: publicUrl,
    FANFARE_EDGE_PORT: String(edgePort),
    FANFARE_LINK_KEYS: `1:${randomBytes(32).toString('base64')}`,
    FANFARE_GATEWAY_PORT: String(gatewayPort),
    FANFARE_MAINTAIN_EVERY_MS: '1000',
    FANFARE_SENDGRID_WEBHOOK_PUBLIC_KEY: `${simulator.webhooks.sendgridPublicKey},${ownKeys.publicKey}`,
  })
  simulator.webhooks.aim({ target: edgeUrl, publicUrl })
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

/** Waits until what matches is told of the notification. */
async function told(
  { notificationId }: NotificationRequested,
  matches: (status: DeliveryStatus) => boolean,
): Promise<DeliveryStatus> {
  let found: DeliveryStatus | undefined
  await eventually(async () => {
    const statuses = await pipeline.statuses(notificationId)
    found = statuses.find(matches)
    return found === undefined ? `only ${statuses.map(({ status }) => status).join()} is told` : undefined
  })
  return found!
}
const whichSays = (status: DeliveryStatus['status']) => (each: DeliveryStatus) => each.status === status

async function send(given: Partial<NotificationRequested>): Promise<NotificationRequested> {
  const event = anEvent(given)
  await pipeline.request(event)
  return event
}
const text = (userId: number, given: Partial<NotificationRequested> = {}) =>
  send({ userId, channels: ['sms'], ...given })
const mail = (userId: number) => send({ userId, channels: ['email'] })

async function rowOf({ notificationId }: NotificationRequested) {
  const [row] = await pipeline.database.query<{ delivery_id: string; state: DeliveryState; delivered: boolean }>(
    `select delivery_id, state, delivered_at is not null as delivered from deliveries where notification_id = $1`,
    [notificationId],
  )
  return row!
}

/** What is reported of the next message to this address. */
function story(provider: 'twilio' | 'sendgrid', address: string, ...events: readonly (readonly [string, object?])[]) {
  const reports = events.map(([event, fields = {}]) => ({ event, fields: fields as Record<string, string> }))
  pipeline.simulator.webhooks.rules.add({ provider, match: { address }, times: 1, reports })
}

/** Statuses are told first: the list follows a moment later. */
async function untilSuppressed(channel: string, cause: string): Promise<void> {
  await eventually(async () => {
    const rows = await pipeline.database.query('select 1 from suppressions where channel = $1 and reason = $2', [
      channel,
      cause,
    ])
    return rows.length > 0 ? undefined : `nobody is suppressed by ${channel} for ${cause}`
  })
}

async function post(path: string, headers: Record<string, string | undefined>, body: Uint8Array): Promise<number> {
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return (await fetch(`${edgeUrl}${path}`, { method: 'POST', headers: given, body: Uint8Array.from(body) })).status
}

describe('what comes back', { concurrency: true }, () => {
  test('tells that a text arrived, once however often it was reported', async () => {
    const event = await text(1)
    const delivered = await told(event, whichSays('delivered'))
    assert.deepEqual([delivered.provider, delivered.attempt, delivered.reason], ['twilio', 1, null])
    assert.deepEqual(
      { ...(await rowOf(event)), delivery_id: null },
      { delivery_id: null, state: 'delivered', delivered: true },
    )
    const statuses = await pipeline.statuses(event.notificationId)
    assert.deepEqual(
      statuses.map(({ status }) => status),
      ['routed', 'sent', 'delivered'],
    )
  })

  test('tells of a mail that it arrived, was opened by a machine and then by its reader, and led to a click', async () => {
    const events = [['delivered'], ['open', { sg_machine_open: true }], ['open'], ['click']] as const
    story('sendgrid', 'user-2@example.com', ...events)
    const event = await mail(2)
    await told(event, whichSays('clicked'))
    await told(event, ({ status, automatic }) => status === 'opened' && automatic)
    await told(event, ({ status, automatic }) => status === 'opened' && !automatic)
    await told(event, whichSays('delivered'))
    assert.equal((await rowOf(event)).state, 'clicked')
  })

  test('keeps the next text from a number that is unknown to its carrier', async () => {
    story('twilio', phoneNumberOf(3), ['undelivered', { ErrorCode: '30005' }])
    const bounced = await told(await text(3), whichSays('bounced'))
    assert.equal(bounced.reason, 'invalid_address')
    await untilSuppressed('sms', 'hard_bounce')
    const next = await told(await text(3), whichSays('suppressed'))
    assert.equal(next.reason, 'address_suppressed')
  })

  test('keeps the next mail from an address that bounced, and from somebody who called one spam', async () => {
    story('sendgrid', 'user-4@example.com', ['bounce', { type: 'bounce' }])
    story('sendgrid', 'user-5@example.com', ['delivered'], ['spamreport'])
    const [bounced, complained] = [await mail(4), await mail(5)]
    await told(bounced, whichSays('bounced'))
    assert.equal((await told(complained, whichSays('unsubscribed'))).reason, 'recipient_opted_out')
    await untilSuppressed('email', 'hard_bounce')
    await untilSuppressed('email', 'complaint')
    for (const userId of [4, 5]) {
      assert.equal((await told(await mail(userId), whichSays('suppressed'))).reason, 'address_suppressed')
    }
  })

  test('obeys STOP with the next text, and START again', async () => {
    const { webhooks } = pipeline.simulator
    const causes = async () =>
      (await pipeline.database.query(`select 1 from suppressions where channel = 'sms' and reason = 'stop'`)).length
    webhooks.text({ from: phoneNumberOf(6), body: 'Stop.' })
    await eventually(async () => ((await causes()) === 1 ? undefined : 'nobody is suppressed'))
    assert.equal((await told(await text(6), whichSays('suppressed'))).reason, 'address_suppressed')
    webhooks.text({ from: phoneNumberOf(6), body: 'START' })
    await eventually(async () => ((await causes()) === 0 ? undefined : 'somebody is still suppressed'))
    await told(await text(6), whichSays('delivered'))
  })

  test('lets a dead token die with the first refusal, and live again with its next registration', async () => {
    const push = () => send({ userId: 7, channels: ['push'] })
    assert.equal((await told(await push(), whichSays('failed'))).reason, 'unregistered')
    const invalid = async () =>
      (await pipeline.database.query('select 1 from devices where user_id = 7 and invalidated_at is not null')).length
    await eventually(async () => ((await invalid()) === 1 ? undefined : 'the device is still valid'))
    // The cache knows it too, a moment later.
    await eventually(async () => {
      const { status, reason } = await told(
        await push(),
        (each) => each.deliveryId === null || each.status === 'failed',
      )
      return status === 'suppressed' && reason === 'no_address' ? undefined : `it was ${status}`
    })
    const app = await insertApp(pipeline.database, { scopes: ['users:write'] })
    const [device] = await pipeline.database.query<{ device_id: string }>(
      'select device_id from devices where user_id = 7',
    )
    const registered = await call({ url: gatewayUrl }, `/v1/users/7/devices/${device!.device_id}`, {
      app,
      method: 'PUT',
      json: { platform: 'ios', token: 'ab'.repeat(32) },
    })
    assert.ok(registered.status < 300, registered.text)
    await told(await push(), whichSays('sent'))
  })

  test('makes an unsubscription at the provider the person’s own setting', async () => {
    story('sendgrid', 'user-8@example.com', ['delivered'], ['unsubscribe'])
    await told(await mail(8), whichSays('unsubscribed'))
    const settings = async () =>
      pipeline.database.query<{ channel: string; opt_in: boolean }>(
        'select channel, opt_in from notification_settings where user_id = 8',
      )
    await eventually(async () => ((await settings()).length === 1 ? undefined : 'no setting'))
    assert.deepEqual(await settings(), [{ channel: 'email', opt_in: false }])
    assert.equal((await told(await mail(8), whichSays('suppressed'))).reason, 'opted_out')
  })

  test('settles what was held because nobody could tell: the report is the proof', async () => {
    const address = phoneNumberOf(9)
    pipeline.simulator.faults.add({
      provider: 'twilio',
      match: { address },
      times: 1,
      fault: { kind: 'reset', when: 'after' },
    })
    pipeline.simulator.webhooks.rules.add({
      provider: 'twilio',
      match: { address },
      times: 1,
      reports: [{ event: 'delivered', afterMs: 1_500 }],
    })
    const event = await text(9, { category: 'held' })
    await told(event, whichSays('unknown'))
    assert.equal((await rowOf(event)).state, 'unknown')
    await told(event, whichSays('delivered'))
    await told(event, whichSays('sent'))
    await eventually(async () => ((await rowOf(event)).state === 'delivered' ? undefined : 'the row has not moved'))
  })

  test('is taken as Twilio’s own code signs it, once, and refused in any other form', async () => {
    story('twilio', phoneNumberOf(10))
    const event = await text(10)
    const { deliveryId } = await told(event, whichSays('sent'))
    const token = pipeline.simulator.environment['FANFARE_TWILIO_AUTH_TOKEN'] ?? ''
    const path = `/webhooks/twilio/status?delivery=${deliveryId}`
    const parameters = { ...callbackParameters, MessageStatus: 'delivered' }
    const { headers, body } = signedForm({ url: `${publicUrl}${path}`, parameters, token })
    assert.equal(await post(path, headers, body), 204)
    await told(event, whichSays('delivered'))
    assert.equal(await post(path, headers, body), 204)
    assert.equal(await post(path, {}, body), 403)
    assert.equal(await post(path, headers, Buffer.concat([body, Buffer.from('&a=b')])), 403)
    const receipts = await pipeline.database.query('select 1 from webhook_receipts')
    assert.ok(receipts.length > 0)
  })

  test('is taken as any holder of SendGrid’s key signs it, and stale after ten minutes', async () => {
    story('sendgrid', 'user-11@example.com')
    const event = await mail(11)
    const { deliveryId } = await told(event, whichSays('sent'))
    const events = [sendgridEvent('delivered', { deliveryId, sg_event_id: `own-${deliveryId}` })]
    const batch = (atMs: number) => signedBatch({ events, keys: ownKeys, atMs })
    const path = '/webhooks/sendgrid/events'
    const stale = batch(Date.now() - 700_000)
    assert.equal(await post(path, stale.headers, stale.body), 403)
    const fresh = batch(Date.now())
    assert.equal(await post(path, fresh.headers, fresh.body), 204)
    await told(event, whichSays('delivered'))
  })

  test('about a delivery that nobody knows is told as an orphan', async () => {
    const identity = {
      createdAtMs: Date.now(),
      source: 'elsewhere',
      notificationId: 'x',
      channel: 'email',
      deviceId: null,
    }
    const deliveryId = deliveryIdOf(identity, () => randomBytes(32))
    const events = [sendgridEvent('delivered', { deliveryId, sg_event_id: `orphan-${deliveryId}` })]
    const { headers, body } = signedBatch({ events, keys: ownKeys, atMs: Date.now() })
    assert.equal(await post('/webhooks/sendgrid/events', headers, body), 204)
    await eventually(async () => {
      const orphan = (await pipeline.statuses()).find((status) => status.deliveryId === deliveryId)
      if (orphan === undefined) return 'the orphan is not told'
      assert.deepEqual([orphan.status, orphan.reason, orphan.notificationId], ['delivered', 'orphan', ''])
      return undefined
    })
  })

  test('that nobody can read goes to the dead letters, and what lies behind it is applied', async () => {
    const { topics } = pipeline
    const event = await text(12)
    const value = Buffer.from('poison')
    await pipeline.publish([{ topic: topics.feedback, key: 'x', value, headers: {} }])
    await eventually(async () => {
      const letters = await pipeline.read(topics.feedbackDeadLetter)
      return letters.some((letter) => letter.value !== null && value.equals(letter.value))
        ? undefined
        : 'no dead letter'
    })
    await told(event, whichSays('delivered'))
  })
})

test('what came back is in the funnel, which an admin can read', async () => {
  const app = await insertApp(pipeline.database, { scopes: ['admin'] })
  const rows = async () => {
    const answer = await call({ url: gatewayUrl }, '/v1/analytics?groupBy=template,channel', { app })
    assert.equal(answer.status, 200, answer.text)
    return answer.body['rows'] as {
      template: string
      channel: string
      sent: number
      delivered: number
      bounced: number
    }[]
  }
  const [rowsNow] = await pipeline.database.query<{ sms: number; delivered: number; bounced: number }>(
    `select count(*) filter (where state >= 'sent')::integer as sms, count(delivered_at)::integer as delivered,
       count(bounced_at)::integer as bounced
     from deliveries where channel = 'sms'`,
  )
  await eventually(async () => {
    const sms = (await rows()).find(({ channel }) => channel === 'sms')
    const found = [sms?.template, sms?.sent, sms?.delivered, sms?.bounced]
    const wanted = ['back-in-stock', rowsNow?.sms, rowsNow?.delivered, rowsNow?.bounced]
    return found.join() === wanted.join() ? undefined : `${found.join()} is not ${wanted.join()}`
  })
  assert.ok((rowsNow?.bounced ?? 0) > 0)
  const other = await insertApp(pipeline.database)
  assert.equal((await call({ url: gatewayUrl }, '/v1/analytics', { app: other })).status, 403)
  const backwards = '/v1/analytics?from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z'
  for (const path of ['/v1/analytics?groupBy=user', '/v1/analytics?groupBy=hour,day', backwards]) {
    assert.equal((await call({ url: gatewayUrl }, path, { app })).status, 400, path)
  }
})
