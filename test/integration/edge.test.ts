import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { DeliveryStatus } from '../../src/domain/delivery-status.ts'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import { findLinks } from '../../src/services/templates/anchor-hrefs.ts'
import { anEvent, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { browserHeaders, chooseEdgeAddress, type EdgeAddress } from '../support/edge-address.ts'
import { eventually } from '../support/eventually.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

let pipeline: Pipeline
let edge: EdgeAddress
const shopUrl = 'https://shop.example.com/items/1?from=mail&lang=en'

/** An email that has what emails have, and a category that nobody can leave beside the one that people can. */
async function insertMail(): Promise<void> {
  const html = `<html><body><!-- {{ item_name }} --><a href="https://shop.example.com/items/1?from=mail&amp;lang=en">{{ item_name }}</a>
<a href="mailto:help@example.com">help</a>{% if unsubscribe_url %}<a href="{{ unsubscribe_url }}">leave</a>{% endif %}</body></html>`
  await pipeline.database.query(`insert into templates (template_id, version, published) values ('mail', 1, true)`)
  await pipeline.database.query(`insert into template_contents values ('mail', 1, 'email', 'en', $1)`, [
    JSON.stringify({ subject: '{{ item_name }}', text: '{{ item_name }}', html, callToAction: null }),
  ])
  await pipeline.database.query(
    `insert into categories (name, lane, channels, mandatory, time_to_live_seconds, template_id, titles)
     values ('offers', 'transactional', '{email}', false, 3600, 'mail', '{"en": "Offers"}'),
            ('security', 'transactional', '{email}', true, 3600, 'mail', '{}')`,
  )
}

interface Mail {
  event: NotificationRequested
  deliveryId: string
  html: string
  headers: Record<string, string>
}

async function sendMail(userId: number, category: string): Promise<Mail> {
  const event = anEvent({ userId, category, channels: ['email'] })
  await pipeline.request(event)
  await pipeline.untilSettled()
  const [row] = await pipeline.database.query<{ delivery_id: string }>(
    'select delivery_id from deliveries where notification_id = $1',
    [event.notificationId],
  )
  const deliveryId = row!.delivery_id
  const [call] = pipeline.simulator.ledger.entries({ provider: 'sendgrid', deliveryId })
  const parameters = call?.content.parameters ?? {}
  const headers = Object.entries(parameters).flatMap(([name, value]) =>
    name.startsWith('headers.') ? [[name.slice('headers.'.length), value] as const] : [],
  )
  return { event, deliveryId, html: parameters['text/html'] ?? '', headers: Object.fromEntries(headers) }
}

function hrefsOf(html: string): string[] {
  return findLinks(html).hrefs.map(({ start, end }) => html.slice(start, end))
}

const get = (url: string, headers: Record<string, string> = browserHeaders) =>
  fetch(url, { headers, redirect: 'manual' })

/** Waits until the status topic tells it. */
async function statusOf(
  mail: Pick<Mail, 'event'>,
  matches: (status: DeliveryStatus) => boolean,
): Promise<DeliveryStatus> {
  let found: DeliveryStatus | undefined
  await eventually(async () => {
    found = (await pipeline.statuses(mail.event.notificationId)).find(matches)
    return found === undefined ? 'the status topic does not tell it' : undefined
  })
  return found!
}

describe('a mail and its reader', () => {
  before(async () => {
    pipeline = await startPipeline()
    edge = await chooseEdgeAddress()
    await insertCatalogue(pipeline.database)
    await insertMail()
    for (const userId of [1, 2, 3, 4]) await insertPerson(pipeline.database, { userId })
    await insertPerson(pipeline.database, { userId: 5, iosTokens: ['a5'.repeat(32)], androidTokens: ['android-5'] })
    await pipeline.start(['all'], edge.environment)
  })
  afterEach((context) => pipeline.showLogs(context))
  after(() => pipeline.stop())

  test('are told by the status topic: it was opened, by whom, and which link was clicked', async () => {
    const mail = await sendMail(1, 'offers')
    const [click, help, leave, ...more] = hrefsOf(mail.html)
    assert.ok(click?.startsWith(`${edge.url}/c/`) && leave?.startsWith(`${edge.url}/u/`))
    assert.equal(help, 'mailto:help@example.com')
    assert.deepEqual(more, [])
    assert.ok(mail.html.includes('<!-- Umbrella -->'))
    const [, pixelUrl] = /<img src="([^"]+)"[^>]*><\/body><\/html>$/.exec(mail.html) ?? []

    const proxy = await get(pixelUrl!, { 'user-agent': 'Mozilla/5.0' })
    assert.deepEqual([proxy.status, proxy.headers.get('content-type')], [200, 'image/gif'])
    const seen = await statusOf(mail, ({ status }) => status === 'opened')
    assert.equal(seen.automatic, true)
    await get(pixelUrl!)
    const answer = await get(click!)
    assert.deepEqual([answer.status, answer.headers.get('location')], [302, shopUrl])

    const opened = await statusOf(mail, ({ status, automatic }) => status === 'opened' && !automatic)
    const clicked = await statusOf(mail, ({ status }) => status === 'clicked')
    assert.deepEqual([opened.deliveryId, clicked.deliveryId], [mail.deliveryId, mail.deliveryId])
    assert.deepEqual([clicked.linkId, clicked.templateId, clicked.provider], ['1', 'mail', 'sendgrid'])
    // The row follows the status: feedback publishes before it writes.
    await eventually(async () => {
      const [row] = await pipeline.database.query<{ state: string }>(
        'select state from deliveries where delivery_id = $1',
        [mail.deliveryId],
      )
      return row?.state === 'clicked' ? undefined : `the delivery is ${row?.state}`
    })
  })

  test('part with one click: committed, told, and obeyed by the next message', async () => {
    const mail = await sendMail(2, 'offers')
    assert.equal(mail.headers['List-Unsubscribe-Post'], 'List-Unsubscribe=One-Click')
    const [, url = ''] = /^<(.+)>$/.exec(mail.headers['List-Unsubscribe'] ?? '') ?? []
    const settingsOf = () =>
      pipeline.database.query('select category, channel, opt_in from category_settings where user_id = 2')
    await get(url)
    assert.deepEqual(await settingsOf(), [])

    // As a mailbox provider does it for its reader: no cookie, no page, multipart.
    const body = new FormData()
    body.set('List-Unsubscribe', 'One-Click')
    const answer = await fetch(url, { method: 'POST', body })
    assert.equal(answer.status, 200)
    assert.deepEqual(await settingsOf(), [{ category: 'offers', channel: 'email', opt_in: false }])

    const next = anEvent({ userId: 2, category: 'offers', channels: ['email'] })
    await pipeline.request(next)
    await pipeline.untilSettled()
    // Decided by the router, whose cached profile was taken from it, and not by the claim behind it.
    const [told] = await pipeline.statuses(next.notificationId)
    assert.deepEqual([told?.status, told?.reason, told?.deliveryId], ['suppressed', 'opted_out', null])
    const left = await statusOf(mail, ({ status }) => status === 'unsubscribed')
    assert.equal(left.deliveryId, mail.deliveryId)
    assert.deepEqual(await pipeline.database.query('select * from suppressions'), [])
  })

  test('cannot part with what nobody can leave, and still choose the rest', async () => {
    const mail = await sendMail(3, 'security')
    assert.deepEqual(mail.headers, {})
    assert.equal(hrefsOf(mail.html).length, 2)
  })

  test('agree on quiet hours, which hold for the next message', async () => {
    const mail = await sendMail(4, 'offers')
    const [, leave = ''] = /<(.+)>/.exec(mail.headers['List-Unsubscribe'] ?? '') ?? []
    const [, preferencesPath = ''] = /href="\.\.(\/p\/[^"]+)"/.exec(await (await get(leave)).text()) ?? []
    const form = new URLSearchParams({
      quiet: 'on',
      quiet_from: '00:00',
      quiet_until: '00:00',
      locale: 'ko',
      time_zone: 'UTC',
    })
    for (const channel of ['push', 'sms', 'email']) form.append('on', `channel:${channel}`)
    const saved = await fetch(`${edge.url}${preferencesPath}`, { method: 'POST', body: form, redirect: 'manual' })
    assert.equal(saved.status, 303)
    const [user] = await pipeline.database.query(
      'select locale, time_zone, quiet_from_minute, quiet_until_minute from users where user_id = 4',
    )
    assert.deepEqual(user, { locale: 'ko', time_zone: 'UTC', quiet_from_minute: 0, quiet_until_minute: 0 })
    const next = anEvent({ userId: 4, category: 'offers', channels: ['email'] })
    await pipeline.request(next)
    await pipeline.untilRouted()
    const [told] = await pipeline.statuses(next.notificationId)
    // Quiet all day: it would be quiet until it expires.
    assert.deepEqual([told?.status, told?.reason], ['expired', 'quiet_hours'])
  })

  test('have their app tell what became of a push, each device for itself', async () => {
    const event = anEvent({ userId: 5, channels: ['push'] })
    await pipeline.request(event)
    await pipeline.untilSettled()
    const calls = ['apns', 'fcm'].map((provider) =>
      [...pipeline.simulator.ledger.entries()].find((entry) => entry.provider === provider),
    )
    const [ios, android] = calls.map((call) => call?.content.parameters?.['feedbackToken'] ?? '')
    assert.ok(ios && android && ios !== android)
    const body = JSON.stringify({
      reports: [
        { token: ios, kind: 'delivered' },
        { token: ios, kind: 'session_started' },
        { token: `${android}x`, kind: 'opened' },
      ],
    })
    const answer = await fetch(`${edge.url}/v1/feedback`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    })
    assert.deepEqual(
      [answer.status, await answer.json()],
      [202, { taken: 2, refused: [{ index: 2, reason: 'not_valid' }] }],
    )
    const opened = await statusOf({ event }, ({ status }) => status === 'opened')
    assert.deepEqual([opened.channel, opened.deliveryId], ['ios', calls[0]?.deliveryId])
  })

  test('lose nothing that was answered when the edge stops: it is published first', async () => {
    const mail = await sendMail(1, 'offers')
    const [click] = hrefsOf(mail.html)
    const stopping = await chooseEdgeAddress()
    const other = await pipeline.start(['edge'], {
      ...edge.environment,
      FANFARE_EDGE_PORT: stopping.environment['FANFARE_EDGE_PORT']!,
    })
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(click!.replace(edge.url, stopping.url))))
    await other.stop()
    assert.ok(answers.every(({ status }) => status === 302))
    const clicked = await statusOf(mail, ({ status }) => status === 'clicked')
    assert.equal(clicked.linkId, '1')
    await assert.rejects(get(click!.replace(edge.url, stopping.url)))
  })
})
