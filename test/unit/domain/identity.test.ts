import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  createdAtMsOf,
  dayOf,
  deliveryIdOf,
  isUuid,
  statusIdOf,
  type DeliveryIdentity,
  type StatusIdentity,
} from '../../../src/domain/identity.ts'

const sha256 = (input: Uint8Array) => createHash('sha256').update(input).digest()
const sha1 = (input: Uint8Array) => createHash('sha1').update(input).digest()

const text = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('', '"', ',', '","'),
)
const createdAtMs = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const deliveries: fc.Arbitrary<DeliveryIdentity> = fc.record({
  createdAtMs,
  source: text,
  notificationId: text,
  channel: text,
  deviceId: fc.option(text.filter((id) => id !== '')),
})
const statuses: fc.Arbitrary<StatusIdentity> = fc.record({
  source: text,
  notificationId: text,
  deliveryIdOrChannel: text,
  pass: fc.nat(20),
  hop: fc.nat(20),
  status: text,
  reason: fc.option(text.filter((reason) => reason !== '')),
  providerEventId: text,
})

const formOf = (version: number) =>
  new RegExp(`^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

/** Two values that may agree in any of their parts, so that a boundary between two parts is often where they differ. */
function pairsOf<T extends object>(values: fc.Arbitrary<T>): fc.Arbitrary<[T, T]> {
  return fc.tuple(values, values, fc.infiniteStream(fc.boolean())).map(([one, other, choices]) => {
    const mixed = Object.entries(one).map(([name, value]) => [
      name,
      choices.next().value === true ? value : other[name as keyof T],
    ])
    return [one, Object.fromEntries(mixed) as T]
  })
}

describe('a delivery id', () => {
  test('is a UUIDv8 that is made of its parts and nothing else', () => {
    fc.assert(
      fc.property(deliveries, (identity) => {
        const id = deliveryIdOf(identity, sha256)
        assert.match(id, formOf(8))
        assert.ok(isUuid(id))
        assert.equal(deliveryIdOf({ ...identity }, sha256), id)
      }),
    )
  })

  test('stays what it is: rows that were written keep their ids', () => {
    const identity = {
      createdAtMs: Date.UTC(2026, 8, 21, 8, 0, 0, 123),
      source: 'shop',
      notificationId: '01996b1e-0c00-7000-8000-00000000abcd',
      channel: 'ios',
      deviceId: 'device-1',
    }
    assert.equal(deliveryIdOf(identity, sha256), '01a0c2fa-a07b-8fdf-96d6-8295c742eadd')
    assert.equal(
      deliveryIdOf({ ...identity, channel: 'email', deviceId: null }, sha256),
      '01a0c2fa-a07b-84d9-88bc-b46025ed6979',
    )
  })

  test('tells when its event was created', () => {
    fc.assert(
      fc.property(deliveries, (identity) => {
        assert.equal(createdAtMsOf(deliveryIdOf(identity, sha256)), identity.createdAtMs)
      }),
    )
  })

  test('sorts by time', () => {
    fc.assert(
      fc.property(deliveries, deliveries, (one, other) => {
        fc.pre(one.createdAtMs < other.createdAtMs)
        assert.ok(deliveryIdOf(one, sha256) < deliveryIdOf(other, sha256))
      }),
    )
  })

  test('differs where any part differs, wherever a text ends and the next begins', () => {
    fc.assert(
      fc.property(pairsOf(deliveries), ([one, other]) => {
        const same = JSON.stringify(one) === JSON.stringify(other)
        assert.equal(deliveryIdOf(one, sha256) === deliveryIdOf(other, sha256), same)
      }),
      { numRuns: 1_000 },
    )
    const identity = { createdAtMs: 0, channel: 'ios', deviceId: null }
    const shifted = [
      ['a', 'bc'],
      ['ab', 'c'],
      ['', 'abc'],
      ['a","b', 'c'],
      ['a', 'b","c'],
      // Halves of characters, which UTF-8 alone would write the same.
      ['\ud800', ''],
      ['\ud801', ''],
    ].map(([source = '', notificationId = '']) => deliveryIdOf({ ...identity, source, notificationId }, sha256))
    assert.equal(new Set(shifted).size, shifted.length)
  })
})

describe('a status id', () => {
  test('is a UUIDv5 that is made of its parts and nothing else', () => {
    fc.assert(
      fc.property(statuses, (identity) => {
        const id = statusIdOf(identity, sha1)
        assert.match(id, formOf(5))
        assert.equal(statusIdOf({ ...identity }, sha1), id)
      }),
    )
  })

  test('stays what it is: consumers know the old ones', () => {
    const identity = {
      source: 'shop',
      notificationId: '01996b1e-0c00-7000-8000-00000000abcd',
      deliveryIdOrChannel: 'email',
      pass: 0,
      hop: 1,
      status: 'sent',
      reason: null,
    }
    assert.equal(statusIdOf(identity, sha1), 'f9967504-3989-5a39-ad96-85e918baabe1')
    assert.equal(
      statusIdOf({ ...identity, providerEventId: '' }, sha1),
      'f9967504-3989-5a39-ad96-85e918baabe1',
      'no event is an empty one',
    )
  })

  test('differs where any part differs', () => {
    fc.assert(
      fc.property(pairsOf(statuses), ([one, other]) => {
        const same = JSON.stringify(one) === JSON.stringify(other)
        assert.equal(statusIdOf(one, sha1) === statusIdOf(other, sha1), same)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('the day of an event', () => {
  test('is its UTC day', () => {
    assert.equal(dayOf(Date.UTC(2026, 0, 1) - 1), '2025-12-31')
    assert.equal(dayOf(Date.UTC(2026, 0, 1)), '2026-01-01')
  })
})

describe('a UUID', () => {
  test('is known in either case, and by its whole text', () => {
    const id = '01996b1e-0c00-7000-8000-00000000abcd'
    for (const form of [id, id.toUpperCase()]) assert.ok(isUuid(form))
    for (const form of ['', `${id}0`, ` ${id}`, `${id}\n`, id.replaceAll('-', ''), id.replace('a', 'g')])
      assert.ok(!isUuid(form))
  })
})
