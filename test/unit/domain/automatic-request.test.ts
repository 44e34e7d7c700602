import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isAutomatic } from '../../../src/domain/automatic-request.ts'

const people = {
  'Outlook on Windows':
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  'Safari on an iPhone':
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
  'Gmail, which fetches a picture when the mail is opened':
    'Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)',
  'the browser inside KakaoTalk':
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 KAKAOTALK 10.9.0',
  Thunderbird: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0',
}

const machines = {
  'Apple’s privacy proxy': 'Mozilla/5.0',
  'nobody who says who they are': '',
  'a preview in a chat': 'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)',
  'a preview in KakaoTalk': 'facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/',
  'a preview in WhatsApp': 'WhatsApp/2.23.20.0',
  'a crawler': 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'a page preview': 'Mozilla/5.0 (Windows NT 6.1) AppleWebKit/534+ (KHTML, like Gecko) BingPreview/1.0b',
  'a script': 'python-requests/2.32.0',
  curl: 'curl/8.5.0',
}

const fetched = (headers: Record<string, string>, method = 'GET') => isAutomatic({ method, headers })
const browser = { 'user-agent': people['Outlook on Windows'] }

describe('what was fetched', () => {
  for (const [name, userAgent] of Object.entries(people)) {
    test(`by ${name} counts as a person’s`, () => assert.equal(fetched({ 'user-agent': userAgent }), false))
  }
  for (const [name, userAgent] of Object.entries(machines)) {
    test(`by ${name} counts as a machine’s`, () => assert.equal(fetched({ 'user-agent': userAgent }), true))
  }
  test('without a user agent counts as a machine’s', () => assert.equal(fetched({}), true))
  test('by a HEAD counts as a machine’s', () => assert.equal(fetched(browser, 'HEAD'), true))
  test('before anybody asked for it counts as a machine’s', () => {
    assert.equal(fetched({ ...browser, 'sec-purpose': 'prefetch;prerender' }), true)
    assert.equal(fetched({ ...browser, purpose: 'prefetch' }), true)
    assert.equal(fetched({ ...browser, 'x-purpose': 'preview' }), true)
    assert.equal(fetched({ ...browser, 'x-moz': 'prefetch' }), true)
    assert.equal(fetched({ ...browser, purpose: 'navigation' }), false)
  })
})
