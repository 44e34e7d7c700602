import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { compileFolder } from '../../../src/cli/template-folders.ts'
import type { RequestChannel } from '../../../src/domain/channel.ts'
import type { DeliveryCommand } from '../../../src/domain/delivery-command.ts'
import { missingVariables } from '../../../src/domain/template-variables.ts'
import { plannedEvent } from '../../../src/local/demo/event-plan.ts'
import { seededCategories } from '../../../src/local/seed/categories.ts'
import { alertCategory, alertEvent } from '../../../src/services/sender/failure-alert.ts'
import { createRenderer } from '../../../src/services/sender/render.ts'
import { aFailureAlert } from '../../support/builders/failure-alerts.ts'

const events = Array.from({ length: 500 }, (_, index) => plannedEvent(index, { users: 100, seed: 'test' }))
const alert = alertEvent(aFailureAlert(), { onCallUserId: 1, nowMs: 0, windowStartMs: 0 }, () => new Uint8Array(20))

const examples = await compileFolder(join(import.meta.dirname, '../../../examples/templates'))

function contentsOf(templateId: string) {
  return examples.find(({ draft }) => draft.templateId === templateId)?.draft.contents ?? []
}

describe('the seeded catalogue', () => {
  test('has six categories over both lanes, those mandatory that somebody waits for', () => {
    assert.equal(seededCategories.length, 6)
    assert.deepEqual(new Set(seededCategories.map(({ lane }) => lane)), new Set(['transactional', 'bulk']))
    assert.deepEqual(
      seededCategories.filter(({ mandatory }) => mandatory).map(({ name }) => name),
      ['login-code', alertCategory],
    )
  })

  test('has a content in English and Korean for every channel of every category', () => {
    for (const { templateId, channels } of seededCategories) {
      const found = contentsOf(templateId).map(({ locale, content }) => `${content.channel} ${locale}`)
      const needed = channels.flatMap((channel) => [`${channel} en`, `${channel} ko`])
      assert.deepEqual(found.toSorted(), needed.toSorted())
    }
  })

  test('holds the book’s back-in-stock template: item name and date in the body, a call to action', () => {
    const content = contentsOf('back-in-stock').find(
      ({ locale, content: { channel } }) => locale === 'en' && channel === 'push',
    )?.content
    assert.ok(content?.channel === 'push')
    assert.match(content.body, /\{\{ item_name \}\}.*\{\{ date \}\}/)
    assert.equal(content.callToAction?.title, 'Order Now. Or, Save My {{ item_name }}')
  })

  test('needs nothing that the demo, or Fanfare itself, does not publish, and renders every content with it', async () => {
    const renderer = createRenderer(
      async (keys) =>
        keys.map(
          ({ templateId, channel, locale }) =>
            contentsOf(templateId).find((each) => each.locale === locale && each.content.channel === channel)?.content,
        ),
      undefined,
    )
    const commands = [...events, alert].flatMap((event) => {
      const category = seededCategories.find(({ name }) => name === event.category)!
      return category.channels.flatMap((channel) => ['en', 'ko'].map((locale) => commandOf({ event, channel, locale })))
    })
    await renderer.prepare(commands)
    for (const command of commands) {
      const needed = contentsOf(command.templateId).flatMap(({ variables }) => variables)
      assert.deepEqual(missingVariables(command.data, needed), [], command.templateId)
      const rendered = renderer.render(command, { mandatory: false })
      assert.equal(rendered.kind, 'rendered', `${command.templateId} ${command.channel} ${command.locale}`)
    }
  })
})

describe('the demo’s events', () => {
  test('are the same for the same seed', () => {
    assert.deepEqual(
      events,
      events.map((_, index) => plannedEvent(index, { users: 100, seed: 'test' })),
    )
  })

  test('are of every category, on its lane, for people who exist', () => {
    for (const { name, lane } of seededCategories.filter((category) => category.name !== alertCategory)) {
      const ofCategory = events.filter(({ category }) => category === name)
      assert.ok(ofCategory.length > events.length / 20, name)
      assert.ok(ofCategory.every((event) => event.lane === lane))
    }
    assert.ok(events.every(({ userId }) => userId >= 1 && userId <= 100))
  })
})

interface CommandParts {
  event: Pick<(typeof events)[number], 'userId' | 'category' | 'data'>
  channel: RequestChannel
  locale: string
}

function commandOf({ event, channel, locale }: CommandParts): DeliveryCommand {
  const deviceChannel = channel === 'push' ? 'ios' : channel
  return {
    deliveryId: 'test',
    notificationId: 'test',
    source: 'test',
    userId: event.userId,
    category: event.category,
    channel: deviceChannel,
    address: 'nowhere',
    deviceId: null,
    templateId: event.category,
    templateVersion: 1,
    locale,
    data: event.data,
    quietFrom: null,
    quietUntil: null,
    unknownPolicy: 'resend',
    createdAt: 0,
    routedAt: 0,
    pass: 0,
    expiresAt: 1,
    collapseKey: null,
  }
}
