import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { messageLinksOf } from '../../src/domain/message-links.ts'
import { barriers, launchBrowser, screenshot, visit, withoutBrowser, type Visit } from '../support/browser.ts'
import { insertPerson } from '../support/builders/catalogue.ts'
import { deliveryIdAt } from '../support/builders/edge.ts'
import { chooseEdgeAddress, type EdgeAddress } from '../support/edge-address.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

const categories = [
  { name: 'login-code', mandatory: true, titles: { en: 'Login codes', ko: '로그인 인증번호' } },
  { name: 'order-receipt', mandatory: false, titles: { en: 'Receipts of your orders', ko: '주문 영수증' } },
  { name: 'delivery-update', mandatory: false, titles: { en: 'Where your parcel is', ko: '배송 안내' } },
  { name: 'back-in-stock', mandatory: false, titles: { en: 'Back in stock', ko: '재입고 알림' } },
  { name: 'weekly-offers', mandatory: false, titles: { en: 'Weekly offers', ko: '주간 추천' } },
]

const wide = { viewport: { width: 900, height: 900 }, locale: 'en-GB', timezoneId: 'Asia/Seoul' }
const phone = { ...wide, viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }

describe('the pages of the edge, in a browser', { skip: withoutBrowser }, () => {
  let pipeline: Pipeline
  let edge: EdgeAddress
  let browser: Browser
  let people = 0
  let visits: Visit[] = []

  before(async () => {
    pipeline = await startPipeline()
    edge = await chooseEdgeAddress()
    for (const { name, mandatory, titles } of categories) {
      await pipeline.database.query(
        `insert into categories (name, lane, channels, mandatory, time_to_live_seconds, template_id, titles)
         values ($1, 'bulk', '{email}', $2, 3600, 'mail', $3)`,
        [name, mandatory, JSON.stringify(titles)],
      )
    }
    await pipeline.start(['edge'], edge.environment)
    browser = await launchBrowser()
  })
  afterEach(async (context) => {
    pipeline.showLogs(context)
    for (const each of visits) await each.close()
    visits = []
  })
  after(async () => {
    await browser.close()
    await pipeline.stop()
  })

  /** Somebody new, with the links of a message that they just got. */
  async function reader(changes: Record<string, string> = {}) {
    people += 1
    const userId = people
    await insertPerson(pipeline.database, { userId })
    for (const [column, value] of Object.entries(changes)) {
      await pipeline.database.query(`update users set ${column} = $2 where user_id = $1`, [userId, value])
    }
    const [, secret = ''] = edge.environment['FANFARE_LINK_KEYS']!.split(':')
    const links = messageLinksOf(
      { deliveryId: deliveryIdAt(Date.now(), String(userId)), userId, category: 'weekly-offers' },
      {
        edgeUrl: edge.url,
        signing: {
          keys: [{ id: 1, secret: Buffer.from(secret, 'base64') }],
          mac: (key, message) => createHmac('sha256', key).update(message).digest(),
        },
      },
    )
    const settings = () =>
      pipeline.database.query(
        'select category, channel, opt_in from category_settings where user_id = $1 order by 1, 2',
        [userId],
      )
    return { userId, links, settings }
  }

  async function open(options: BrowserContextOptions) {
    const opened = await visit(browser, options)
    visits.push(opened)
    return opened
  }

  test('let somebody choose everything without JavaScript', async () => {
    const { links, settings, userId } = await reader()
    const { page, complaints } = await open({ ...wide, javaScriptEnabled: false })
    await page.goto(links.preferences())
    assert.equal(await page.getByLabel('Login codes: Email').isDisabled(), true)
    assert.equal(await page.getByRole('button', { name: 'Use the time zone of this device' }).isVisible(), false)
    await page.getByLabel('Weekly offers: Email').uncheck()
    await page.getByLabel('Text messages', { exact: true }).uncheck()
    await page.getByLabel('Hold messages back').check()
    await page.getByLabel('From').fill('21:30')
    await page.getByLabel('Until').fill('07:15')
    await page.getByLabel('Time zone', { exact: true }).selectOption('Asia/Seoul')
    await page.getByLabel('Language').selectOption('ko')
    await page.getByRole('button', { name: 'Save' }).click()

    // In the language that was chosen.
    assert.equal(await page.getByRole('status').textContent(), '설정을 저장했습니다.')
    assert.equal(await page.locator('html').getAttribute('lang'), 'ko')
    assert.equal(await page.getByLabel('주간 추천: 이메일').isChecked(), false)
    assert.deepEqual(await settings(), [{ category: 'weekly-offers', channel: 'email', opt_in: false }])
    const [user] = await pipeline.database.query(
      'select locale, time_zone, quiet_from_minute, quiet_until_minute from users where user_id = $1',
      [userId],
    )
    assert.deepEqual(user, { locale: 'ko', time_zone: 'Asia/Seoul', quiet_from_minute: 1_290, quiet_until_minute: 435 })
    assert.deepEqual(
      await pipeline.database.query('select channel, opt_in from notification_settings where user_id = $1', [userId]),
      [{ channel: 'sms', opt_in: false }],
    )
    assert.deepEqual(complaints, [])
  })

  test('fill in the time zone of the device where scripts run, and nothing is blocked', async () => {
    const { links, userId } = await reader()
    const { page, complaints } = await open(wide)
    await page.goto(links.preferences())
    const offer = page.getByRole('button', { name: 'Use the time zone of this device' })
    await offer.click()
    assert.equal(await page.getByLabel('Time zone', { exact: true }).inputValue(), 'Asia/Seoul')
    assert.equal(await offer.isVisible(), false)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('status').waitFor()
    const [user] = await pipeline.database.query('select time_zone from users where user_id = $1', [userId])
    assert.deepEqual(user, { time_zone: 'Asia/Seoul' })
    // What is theirs already is not offered.
    assert.equal(await offer.isVisible(), false)
    assert.deepEqual(complaints, [])
  })

  test('can be used by keys alone', async () => {
    const { links, settings } = await reader()
    const { page } = await open(wide)
    await page.goto(links.preferences())
    const wanted = page.getByLabel('Back in stock: Push notifications')
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press('Tab')
      if (await wanted.evaluate((element) => element.matches(':focus'))) break
    }
    await page.keyboard.press('Space')
    await page.keyboard.press('Enter')
    await page.getByRole('status').waitFor()
    assert.deepEqual(await settings(), [{ category: 'back-in-stock', channel: 'push', opt_in: false }])
  })

  test('turn everything off at once, and show it', async () => {
    const { links, settings } = await reader()
    const { page } = await open(phone)
    await page.goto(links.preferences())
    await page.getByRole('button', { name: 'Turn everything off' }).click()
    await page.getByRole('status').waitFor()
    for (const name of ['Push notifications', 'Text messages', 'Email']) {
      assert.equal(await page.getByLabel(name, { exact: true }).isChecked(), false, name)
    }
    assert.equal(await page.getByLabel('Weekly offers: Email').isChecked(), true)
    assert.deepEqual(await settings(), [])
  })

  test('unsubscribe by a button, and lead to where it can be taken back', async () => {
    const { links, settings } = await reader()
    const small = { ...wide, viewport: { width: 900, height: 560 } }
    const { page, complaints } = await open({ ...small, javaScriptEnabled: false })
    await page.goto(links.unsubscribe())
    assert.equal(await page.getByRole('heading').textContent(), 'Stop emails about “Weekly offers”?')
    await screenshot(page, 'unsubscribe')
    assert.deepEqual(await settings(), [])
    await page.getByRole('button', { name: 'Unsubscribe' }).click()
    assert.equal(await page.getByRole('heading').textContent(), 'You are unsubscribed')
    await screenshot(page, 'unsubscribed')
    assert.deepEqual(await settings(), [{ category: 'weekly-offers', channel: 'email', opt_in: false }])
    await page.getByRole('link').click()
    const cell = page.getByLabel('Weekly offers: Email')
    assert.equal(await cell.isChecked(), false)
    await cell.check()
    await page.getByRole('button', { name: 'Save' }).click()
    assert.deepEqual(await settings(), [{ category: 'weekly-offers', channel: 'email', opt_in: true }])
    assert.deepEqual(complaints, [])
  })

  const looks: Record<string, BrowserContextOptions> = {
    preferences: wide,
    'preferences-dark': { ...wide, colorScheme: 'dark' },
    'preferences-phone': phone,
  }
  for (const [name, options] of Object.entries(looks)) {
    test(`keep nobody out: ${name}`, async () => {
      const { links, userId } = await reader({ time_zone: 'Europe/London' })
      await pipeline.database.query(`insert into notification_settings values ($1, 'sms', false)`, [userId])
      await pipeline.database.query(
        `insert into category_settings values ($1, 'back-in-stock', 'email', false), ($1, 'weekly-offers', 'push', false)`,
        [userId],
      )
      const { page, complaints } = await open(options)
      await page.goto(links.preferences())
      await page.getByLabel('Hold messages back').check()
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByRole('status').waitFor()
      assert.deepEqual(await barriers(page), [])
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      )
      assert.equal(overflow, 0, 'it scrolls sideways')
      assert.deepEqual(complaints, [])
      await screenshot(page, name)
    })
  }

  test('keep nobody out: Korean, the question, the answer, and every refusal', async () => {
    const { links } = await reader({ locale: 'ko' })
    const gone = await reader()
    await pipeline.database.query('delete from users where user_id = $1', [gone.userId])
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await open({ ...phone, colorScheme })
      await page.goto(links.preferences())
      assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), '알림 설정')
      assert.deepEqual(await barriers(page), [])
      await page.goto(links.unsubscribe())
      assert.deepEqual(await barriers(page), [])
    }
    const { page } = await open(phone)
    for (const [url, status] of [
      [`${links.unsubscribe()}x`, 404],
      [gone.links.preferences(), 404],
      [`${edge.url}/c/x/y`, 404],
    ] as const) {
      const answer = await page.goto(url)
      assert.equal(answer?.status(), status)
      assert.deepEqual(await barriers(page), [], url)
    }
    await page.goto(links.unsubscribe())
    await page.getByRole('button').click()
    assert.equal(await page.getByRole('heading').textContent(), '수신 거부되었습니다')
    assert.deepEqual(await barriers(page), [])
  })

  test('ask again for quiet hours with one end, and keep nobody out with that', async () => {
    const { links } = await reader()
    const { page } = await open(wide)
    await page.goto(links.preferences())
    await page.getByLabel('Hold messages back').check()
    await page.getByLabel('Until').fill('')
    await page.getByRole('button', { name: 'Save' }).click()
    assert.equal(await page.getByRole('alert').textContent(), 'Quiet hours need both a beginning and an end.')
    assert.deepEqual(await barriers(page), [])
  })
})
