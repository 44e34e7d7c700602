import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DeliveryCommand } from '../../../src/domain/delivery-command.ts'
import type { TemplateContent } from '../../../src/domain/template.ts'
import { createRenderer } from '../../../src/services/sender/render.ts'
import { deliveryCommand } from '../../support/builders/commands.ts'
import { linksOf } from '../../support/builders/edge.ts'

async function rendered(content: TemplateContent | undefined, choices: Partial<DeliveryCommand> = {}) {
  const renderer = createRenderer(async (keys) => {
    await Promise.resolve()
    return keys.map(() => content)
  }, undefined)
  const own = deliveryCommand({ channel: content?.channel === 'sms' ? 'sms' : 'email', ...choices })
  await renderer.prepare([own])
  return renderer.render(own, { mandatory: false })
}

const sms = (body: string): TemplateContent => ({ channel: 'sms', body })
const email = (parts: Partial<Extract<TemplateContent, { channel: 'email' }>>): TemplateContent => ({
  channel: 'email',
  subject: 's',
  text: 't',
  html: 'h',
  callToAction: null,
  ...parts,
})

describe('rendering', () => {
  test('fills the parameters in and counts the segments of an SMS', async () => {
    const found = await rendered(sms('{{ item_name }} is back'))
    assert.deepEqual(found, { kind: 'rendered', message: { kind: 'sms', body: 'Lamp is back', segments: 1 } })
  })

  test('escapes HTML in the HTML of an email and nowhere else', async () => {
    const data = { item_name: '<b>"Lamp"</b>' }
    const found = await rendered(email({ subject: '{{item_name}}', text: '{{item_name}}', html: '{{item_name}}' }), {
      data,
    })
    assert.ok(found.kind === 'rendered' && found.message.kind === 'email')
    assert.equal(found.message.text, '<b>"Lamp"</b>')
    assert.equal(found.message.html, '&lt;b&gt;&#34;Lamp&#34;&lt;/b&gt;')
  })

  test('refuses a template that would switch the escaping off', async () => {
    const found = await rendered(email({ html: '{{ item_name | raw }}' }))
    assert.deepEqual(found, { kind: 'refused', reason: 'template_error' })
  })

  test('lets no line break into a subject, where it would begin another header', async () => {
    const found = await rendered(email({ subject: '{{item_name}}' }), { data: { item_name: 'a\r\nBcc: x@y.z' } })
    assert.ok(found.kind === 'rendered' && found.message.kind === 'email')
    assert.equal(found.message.subject, 'a Bcc: x@y.z')
  })

  test('offers the rendered call to action to the rest of the message', async () => {
    const found = await rendered(
      email({
        callToAction: { title: 'Buy {{item_name}}', url: 'https://shop.example/{{item_name}}' },
        html: '<a href="{{call_to_action.url}}">{{call_to_action.title}}</a>',
      }),
    )
    assert.ok(found.kind === 'rendered' && found.message.kind === 'email')
    assert.equal(found.message.html, '<a href="https://shop.example/Lamp">Buy Lamp</a>')
  })

  test('walks the lines of a receipt', async () => {
    const data = {
      lines: [
        { name: 'Lamp', price: '9.00' },
        { name: 'Bulb', price: '1.00' },
      ],
    }
    const found = await rendered(sms('{% for line in lines %}{{line.name}} {{line.price}};{% endfor %}'), { data })
    assert.ok(found.kind === 'rendered' && found.message.kind === 'sms')
    assert.equal(found.message.body, 'Lamp 9.00;Bulb 1.00;')
  })

  test('refuses, and never throws, what is missing, broken, endless or too long', async () => {
    const refused = { kind: 'refused', reason: 'template_error' }
    assert.deepEqual(await rendered(undefined), refused)
    assert.deepEqual(await rendered(sms('{{ nobody_gave_this }}')), refused)
    assert.deepEqual(await rendered(sms('{% if %}')), refused)
    assert.deepEqual(await rendered(sms('{% for a in (1..100000000) %}x{% endfor %}')), refused)
    assert.deepEqual(await rendered(sms('{{ item_name.constructor }}')), refused)
    const long = await rendered(sms('{{ item_name }}'), { data: { item_name: 'x'.repeat(1_601) } })
    assert.deepEqual(long, { kind: 'refused', reason: 'message_too_large' })
  })

  test('does not take a pause of the process for an endless template', async (t) => {
    const renderer = createRenderer(async (keys) => {
      await Promise.resolve()
      return keys.map(() => sms('{{ item_name }}'))
    }, undefined)
    const own = deliveryCommand({ channel: 'sms' })
    await renderer.prepare([own])
    let calls = 0
    // The second look at the clock, by which the limit is checked, comes an hour after the first.
    t.mock.method(performance, 'now', () => ((calls += 1) === 2 ? 3_600_000 : 0))
    assert.equal(renderer.render(own, { mandatory: false }).kind, 'rendered')
    assert.ok(calls > 2)
  })

  test('loads a pinned version once', async () => {
    let loads = 0
    const renderer = createRenderer(async (keys) => {
      loads += keys.length
      await Promise.resolve()
      return keys.map(() => sms('x'))
    }, undefined)
    const one = deliveryCommand({ channel: 'sms' })
    await renderer.prepare([one, { ...one, deliveryId: 'other' }])
    await renderer.prepare([one])
    assert.equal(loads, 1)
    await renderer.prepare([{ ...one, templateVersion: 4 }])
    assert.equal(loads, 2)
  })
})

describe('the links of a message', () => {
  const footer =
    '{% if unsubscribe_url %}<a href="{{ unsubscribe_url }}">leave</a>{% endif %}{% if preferences_url %}<a href="{{ preferences_url }}">choose</a>{% endif %}'

  async function linked(content: TemplateContent, { mandatory = false, data = {} } = {}) {
    const links = linksOf()
    const renderer = createRenderer(
      async (keys) => {
        await Promise.resolve()
        return keys.map(() => content)
      },
      () => links,
    )
    const channel = content.channel === 'push' ? 'ios' : content.channel
    const own = deliveryCommand({ channel, data })
    await renderer.prepare([own])
    const found = renderer.render(own, { mandatory })
    assert.ok(found.kind === 'rendered')
    return { message: found.message, links }
  }

  test('let its reader leave by one click, in the mail program and in the mail, and choose', async () => {
    const { message, links } = await linked(
      email({ html: footer, text: '{{ unsubscribe_url }} {{ preferences_url }}' }),
    )
    assert.ok(message.kind === 'email')
    assert.deepEqual(message.headers, {
      'List-Unsubscribe': `<${links.unsubscribe()}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    })
    assert.equal(message.text, `${links.unsubscribe()} ${links.preferences()}`)
    assert.ok(
      message.html.startsWith(`<a href="${links.unsubscribe()}">leave</a><a href="${links.preferences()}">choose</a>`),
    )
    assert.ok(message.html.includes(links.openPixel()))
    assert.equal(message.tracked, true)
  })

  test('offer no leaving of a category that nobody can leave', async () => {
    const { message, links } = await linked(email({ html: footer }), { mandatory: true })
    assert.ok(message.kind === 'email')
    assert.deepEqual(message.headers, {})
    assert.ok(message.html.startsWith(`<a href="${links.preferences()}">choose</a><img `))
  })

  test('are not what an event says that they are', async () => {
    const data = { unsubscribe_url: 'https://evil.example/', preferences_url: 'https://evil.example/' }
    const { message } = await linked(email({ html: footer, text: '{% if unsubscribe_url %}no{% endif %}yes' }), {
      mandatory: true,
      data,
    })
    assert.ok(message.kind === 'email')
    assert.ok(!message.html.includes('evil') && message.text === 'yes')
    const without = await rendered(email({ text: '{% if preferences_url %}no{% endif %}yes' }), { data })
    assert.ok(without.kind === 'rendered' && without.message.kind === 'email' && without.message.text === 'yes')
  })

  test('give an app what it may report with', async () => {
    const { message, links } = await linked({
      channel: 'push',
      title: 't',
      body: 'b',
      callToAction: null,
      deepLink: null,
    })
    assert.ok(message.kind === 'push')
    assert.equal(message.feedbackToken, links.appFeedbackToken())
  })

  test('are not in an SMS, where they would cost a segment', async () => {
    const { message } = await linked(sms('https://shop.example.com/'))
    assert.deepEqual(message, { kind: 'sms', body: 'https://shop.example.com/', segments: 1 })
  })

  test('are in no message where the edge has no address', async () => {
    const html = '<a href="https://shop.example.com/">x</a>'
    const mail = await rendered(email({ html: html + footer }))
    assert.ok(mail.kind === 'rendered' && mail.message.kind === 'email')
    assert.deepEqual([mail.message.html, mail.message.headers, mail.message.tracked], [html, {}, false])
    const push = await rendered(
      { channel: 'push', title: 't', body: 'b', callToAction: null, deepLink: null },
      { channel: 'ios' },
    )
    assert.ok(push.kind === 'rendered' && push.message.kind === 'push' && push.message.feedbackToken === null)
  })
})
