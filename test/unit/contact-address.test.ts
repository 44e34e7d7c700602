import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isDeviceToken, isE164, isEmailAddress } from '../../src/domain/contact-address.ts'

function each(texts: readonly string[], check: (text: string) => boolean, expected: boolean): void {
  for (const text of texts) assert.equal(check(text), expected, JSON.stringify(text))
}

describe('a telephone number', () => {
  test('is a plus, a country code that exists and as many digits as that country has', () => {
    each(['+14155552671', '+442071838750', '+4915112345678', '+8613812345678', '+390612345678'], isE164, true)
    each(['+1415555267', '+141555526711', '+999123456789', '+44207', '+0123456789'], isE164, false)
  })

  test('is accepted from a range that is newer than the library', () => {
    each(['+15555550100', '+12003456789'], isE164, true)
  })

  test('is nothing but that: no spaces, brackets, extension, prefix or other digits', () => {
    each(
      ['', '+', '14155552671', '0014155552671', '+1 415 555 2671', '+1(415)5552671', '+1-415-555-2671'],
      isE164,
      false,
    )
    each(['+14155552671;ext=1', '+14155552671\n', ' +14155552671', '+1415555267\u0000', '+١٤١٥٥٥٥٢٦٧١'], isE164, false)
    // With the British trunk prefix 0: a person means +442071838750, a provider refuses it.
    each(['+4402071838750'], isE164, false)
  })

  test('never has a character that would need escaping, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\+[0-9 ()-]{1,20}$/)), (text) => {
        if (isE164(text)) assert.match(text, /^\+[1-9]\d{1,14}$/)
      }),
    )
  })
})

describe('an email address', () => {
  test('is a local part, one @ and a domain with a dot', () => {
    each(
      ['a@b.co', 'first.last+tag@mail.example.com', "o'neil_x-y@example.org", 'a..b@docomo.ne.jp'],
      isEmailAddress,
      true,
    )
    each(['usér@exämple.de', 'user@xn--exmple-cua.de', '用户@例子.中国', 'हिन्दी@उदाहरण.भारत'], isEmailAddress, true)
    each(
      ['', '@', 'a', 'a@', '@b.co', 'a@b', 'a@b@c.de', 'a@b.co@c.de', 'a@localhost', 'a@.b.co', 'a@b..co', 'a@b.co.'],
      isEmailAddress,
      false,
    )
    each(
      [
        'a@-b.co',
        'a@b-.co',
        'a@b_c.co',
        'a@b.c/d',
        'a@[127.0.0.1]',
        '"a b"@c.de',
        '"ab"@c.de',
        'a(b)@c.de',
        'a\\\\b@c.de',
      ],
      isEmailAddress,
      false,
    )
  })

  test('has nothing that separates addresses, breaks a header or cannot be encoded', () => {
    each(
      ['A <a@b.co>', 'a@b.co,c@d.eu', 'a@b.co;c', 'a b@c.de', 'a@b.co\r\nBcc: c@d.eu', 'a\u0000@b.co'],
      isEmailAddress,
      false,
    )
    each(['a\u00a0b@c.de', 'a\u200bb@c.de', 'a\u202eb@c.de', 'a\u2028b@c.de', 'a\ud800@b.co'], isEmailAddress, false)
  })

  test('keeps to the lengths of RFC 5321, in octets', () => {
    const domainOf = (octets: number): string => `${'d.'.repeat(octets).slice(0, octets - 3)}.eu`.replace('..', 'd.')
    each([`${'l'.repeat(64)}@example.com`, `${'ä'.repeat(32)}@example.com`], isEmailAddress, true)
    each([`${'l'.repeat(65)}@example.com`, `${'ä'.repeat(33)}@example.com`], isEmailAddress, false)
    each([`a@${'d'.repeat(63)}.eu`], isEmailAddress, true)
    each([`a@${'d'.repeat(64)}.eu`], isEmailAddress, false)
    assert.equal(`a@${domainOf(252)}`.length, 254)
    each([`a@${domainOf(252)}`], isEmailAddress, true)
    each([`a@${domainOf(253)}`], isEmailAddress, false)
  })

  test('takes what people have, and never more than one line, one @ and 254 octets', () => {
    fc.assert(fc.property(fc.emailAddress({ size: 'small' }), isEmailAddress))
    const texts = fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })).map(([a, b]) => `${a}@${b}.eu`)
    fc.assert(
      fc.property(texts, (text) => {
        if (!isEmailAddress(text)) return
        assert.ok(Buffer.byteLength(text) <= 254)
        assert.match(text, /^[^@\s\p{C}<>,;]+@[^@\s\p{C}<>,;]+$/u)
        assert.ok(text.isWellFormed())
      }),
    )
  })
})

describe('a device token', () => {
  const isOf = (platform: 'ios' | 'android') => (text: string) => isDeviceToken(platform, text)
  const hex = '00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0'

  test('is whole bytes in hex where APNs issued it, for it becomes part of a path', () => {
    each([hex, hex.toUpperCase(), `${hex}${hex}00`], isOf('ios'), true)
    each(['', 'abc', 'dPn_3:APA91b-x_Y', '../3/device/00', `${hex} `, `${hex}\n`, '0g'], isOf('ios'), false)
  })

  test('is printable ASCII without spaces where FCM issued it', () => {
    each([hex, 'dPn_3:APA91b-x_Y', 'UNREGISTERED:1'], isOf('android'), true)
    each(['', ' ', 'a b', 'a\n', 'a\u0000', 'tökén', 'a\ud800', 'a\u007f'], isOf('android'), false)
  })

  test('is no longer than an index of the database takes', () => {
    for (const platform of ['ios', 'android'] as const) {
      each(['0'.repeat(2048)], isOf(platform), true)
      each(['0'.repeat(2050)], isOf(platform), false)
    }
  })
})
