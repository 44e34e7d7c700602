import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  linkAgeLimitMs,
  signLink,
  verifyLink,
  type LinkKind,
  type SignedLink,
} from '../../../src/domain/signed-link.ts'
import { deliveryIdAt, edgeNowMs, linkKey, linkSigning } from '../../support/builders/edge.ts'

const kinds: readonly LinkKind[] = ['open', 'click', 'unsubscribe', 'preferences', 'app_feedback']

const deliveryId = fc
  .record({ ageMs: fc.integer({ min: 0, max: linkAgeLimitMs.open }), notificationId: fc.uuid() })
  .map((choice) => deliveryIdAt(edgeNowMs - choice.ageMs, choice.notificationId))
const anyLink: fc.Arbitrary<SignedLink> = fc.oneof(
  fc.record({ kind: fc.constant('open' as const), deliveryId }),
  fc.record({
    kind: fc.constant('click' as const),
    deliveryId,
    linkIndex: fc.integer({ min: 1, max: 65_535 }),
    url: fc.webUrl({ withQueryParameters: true, withFragments: true }),
  }),
  fc.record({
    kind: fc.constant('unsubscribe' as const),
    deliveryId,
    userId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    category: fc.string({ minLength: 1, maxLength: 128, unit: 'binary' }).map((text) => text.toWellFormed()),
  }),
  fc.record({
    kind: fc.constant('preferences' as const),
    deliveryId,
    userId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  }),
  fc.record({ kind: fc.constant('app_feedback' as const), deliveryId }),
)

const verified = (kind: LinkKind, text: string, signing = linkSigning(), nowMs = edgeNowMs) =>
  verifyLink(kind, text, signing, nowMs)

describe('a signed link', () => {
  test('says what was signed, and stands in a URL’s path as it is', () => {
    fc.assert(
      fc.property(anyLink, (link) => {
        const text = signLink(link, linkSigning())
        assert.match(text, /^[\w-]+(\/[\w-]+)?$/)
        assert.deepEqual(verified(link.kind, text), { kind: 'valid', link: { ...link } })
      }),
    )
  })

  test('is refused with any bit of it flipped', () => {
    fc.assert(
      fc.property(anyLink, fc.nat(), fc.integer({ min: 0, max: 6 }), (link, place, bit) => {
        const bytes = Buffer.from(signLink(link, linkSigning()), 'ascii')
        const at = place % bytes.length
        bytes[at] = bytes[at]! ^ (1 << bit)
        assert.equal(verified(link.kind, bytes.toString('latin1')).kind, 'refused')
      }),
      { numRuns: 2_000 },
    )
  })

  test('is refused with any byte of what it says changed, under whatever spelling', () => {
    fc.assert(
      fc.property(anyLink, fc.nat(), fc.integer({ min: 1, max: 255 }), (link, place, difference) => {
        const [token = '', ...behind] = signLink(link, linkSigning()).split('/')
        const bytes = Buffer.from(token, 'base64url')
        const at = place % bytes.length
        bytes[at] = bytes[at]! ^ difference
        assert.equal(verified(link.kind, [bytes.toString('base64url'), ...behind].join('/')).kind, 'refused')
      }),
      { numRuns: 2_000 },
    )
  })

  test('has one spelling: padding, the other alphabet, left-over bits and blanks are refused', () => {
    const link: SignedLink = { kind: 'preferences', deliveryId: deliveryIdAt(edgeNowMs), userId: 17 }
    const text = signLink(link, linkSigning())
    const last = text.at(-1)!
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const neighbour = alphabet[alphabet.indexOf(last) ^ 1]!
    const others = [
      `${text}=`,
      `${text} `,
      ` ${text}`,
      `${text}\n`,
      text.slice(0, -1) + neighbour,
      `${text}/`,
      `/${text}`,
    ]
    if (/[-_]/.test(text)) others.push(text.replaceAll('-', '+').replaceAll('_', '/'))
    for (const other of others) assert.equal(verified('preferences', other).kind, 'refused', other)
  })

  test('is refused as another kind', () => {
    fc.assert(
      fc.property(anyLink, (link) => {
        const text = signLink(link, linkSigning())
        for (const kind of kinds.filter((each) => each !== link.kind)) {
          assert.deepEqual(verified(kind, text), { kind: 'refused', reason: 'malformed' })
          const [token = ''] = text.split('/')
          assert.deepEqual(verified(kind, token).kind, 'refused')
        }
      }),
    )
  })

  test('leads nowhere but where it was signed to', () => {
    const link: SignedLink = {
      kind: 'click',
      deliveryId: deliveryIdAt(edgeNowMs),
      linkIndex: 1,
      url: 'https://shop.example.com/',
    }
    const [token = ''] = signLink(link, linkSigning()).split('/')
    for (const url of ['https://evil.example.com/', 'https://shop.example.com/a', '']) {
      const text = `${token}/${Buffer.from(url).toString('base64url')}`
      assert.equal(verified('click', text).kind, 'refused')
    }
    assert.equal(verified('click', token).kind, 'refused')
  })

  test('is refused, and nothing is thrown, whatever anybody writes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.string({ unit: 'binary', maxLength: 300 }), (kind, text) => {
        assert.equal(verified(kind, text).kind, 'refused')
      }),
    )
    const bytes = fc.uint8Array({ maxLength: 200 }).map((random) => Buffer.from(random).toString('base64url'))
    fc.assert(
      fc.property(fc.constantFrom(...kinds), bytes, (kind, text) => {
        assert.equal(verified(kind, text).kind, 'refused')
      }),
    )
  })

  test('is good up to its kind’s age and not a millisecond longer', () => {
    fc.assert(
      fc.property(anyLink, (link) => {
        const createdAtMs = Number.parseInt(link.deliveryId.replaceAll('-', '').slice(0, 12), 16)
        const text = signLink(link, linkSigning())
        const limit = createdAtMs + linkAgeLimitMs[link.kind]
        assert.equal(verified(link.kind, text, linkSigning(), limit).kind, 'valid')
        assert.deepEqual(verified(link.kind, text, linkSigning(), limit + 1), { kind: 'refused', reason: 'expired' })
      }),
    )
  })

  test('outlives the rotation of its key for as long as that still verifies, and no longer', () => {
    const link: SignedLink = { kind: 'open', deliveryId: deliveryIdAt(edgeNowMs) }
    const text = signLink(link, linkSigning(linkKey(1)))
    assert.equal(verified('open', text, linkSigning(linkKey(2), linkKey(1))).kind, 'valid')
    assert.deepEqual(verified('open', text, linkSigning(linkKey(2))), { kind: 'refused', reason: 'unknown_key' })
    // The first key signs.
    const newer = signLink(link, linkSigning(linkKey(2), linkKey(1)))
    assert.equal(verified('open', newer, linkSigning(linkKey(1))).kind, 'refused')
  })

  test('is forged under another secret of the same number', () => {
    const link: SignedLink = { kind: 'open', deliveryId: deliveryIdAt(edgeNowMs) }
    const text = signLink(link, linkSigning({ id: 1, secret: Buffer.alloc(32, 9) }))
    assert.deepEqual(verified('open', text), { kind: 'refused', reason: 'forged' })
  })

  test('verifies for nobody where there is no key', () => {
    const { mac } = linkSigning()
    const text = signLink({ kind: 'open', deliveryId: deliveryIdAt(edgeNowMs) }, linkSigning())
    assert.deepEqual(verifyLink('open', text, { keys: [], mac }, edgeNowMs), { kind: 'refused', reason: 'unknown_key' })
  })

  test('is not made for a number that does not fit', () => {
    const deliveryId = deliveryIdAt(edgeNowMs)
    assert.throws(() => signLink({ kind: 'preferences', deliveryId, userId: -1 }, linkSigning()), RangeError)
    assert.throws(
      () => signLink({ kind: 'click', deliveryId, linkIndex: 65_536, url: 'https://a.example/' }, linkSigning()),
      RangeError,
    )
  })
})
