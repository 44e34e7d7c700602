import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isDeviceToken, isE164, isEmailAddress } from '../../../src/domain/contact-address.ts'
import { isUuid } from '../../../src/domain/identity.ts'
import { seededPerson } from '../../../src/local/seed/people.ts'

const people = Array.from({ length: 3_000 }, (_, index) => seededPerson(index + 1, 'test'))
const devices = people.flatMap((person) => person.devices)

function share(count: number) {
  return count / people.length
}

describe('seeded people', () => {
  test('are the same for the same seed, and others for another', () => {
    for (const userId of [1, 42, 9_999_999]) {
      assert.deepEqual(seededPerson(userId, 'test'), seededPerson(userId, 'test'))
    }
    const others = people.filter(({ userId }) => seededPerson(userId, 'other').devices.length > 0)
    const sharedTokens = new Set(devices.map(({ token }) => token))
    for (const { userId } of others) {
      for (const { token } of seededPerson(userId, 'other').devices) assert.ok(!sharedTokens.has(token))
    }
  })

  test('have addresses that every door of Fanfare takes', () => {
    for (const { email, phoneNumber } of people) {
      if (email !== null) assert.ok(isEmailAddress(email), email)
      if (phoneNumber !== null) assert.ok(isE164(phoneNumber), phoneNumber)
    }
    for (const { token, deviceId, platform } of devices) {
      assert.ok(isDeviceToken(platform, token))
      assert.ok(isUuid(deviceId))
      // What APNs issues, and what its simulator takes.
      if (platform === 'ios') assert.match(token, /^[0-9a-f]{64}$/)
    }
  })

  test('cannot be anybody real', () => {
    for (const { email, phoneNumber } of people) {
      if (email !== null) assert.match(email, /@example\.(com|org|net)$/)
      if (phoneNumber !== null) assert.match(phoneNumber, /^(\+8210[01]\d{7}|\+1\d{3}55501\d\d|\+1500555000\d)$/)
    }
  })

  test('have devices, tokens and email addresses of their own', () => {
    assert.equal(new Set(devices.map(({ token }) => token)).size, devices.length)
    assert.equal(new Set(devices.map(({ deviceId }) => deviceId)).size, devices.length)
    const emails = people.flatMap(({ email }) => email ?? [])
    assert.equal(new Set(emails).size, emails.length)
  })

  test('are of every kind that a demo has to show', () => {
    const kinds = {
      korean: people.filter(({ locale }) => locale === 'ko-KR'),
      english: people.filter(({ locale }) => locale.startsWith('en-')),
      withSeveralDevices: people.filter((person) => person.devices.length > 1),
      withoutDevice: people.filter((person) => person.devices.length === 0),
      withoutEmail: people.filter(({ email }) => email === null),
      withoutPhoneNumber: people.filter(({ phoneNumber }) => phoneNumber === null),
      optedOutOfAChannel: people.filter(({ channelSettings }) => channelSettings.some(({ optIn }) => !optIn)),
      optedOutOfACategory: people.filter(({ categorySettings }) => categorySettings.some(({ optIn }) => !optIn)),
    }
    for (const [kind, found] of Object.entries(kinds)) assert.ok(share(found.length) > 0.05, kind)
    const unreachable = people.filter(
      ({ email, phoneNumber, devices: own }) => email === null && phoneNumber === null && own.length === 0,
    )
    assert.ok(share(unreachable.length) > 0.005)
    assert.deepEqual(new Set(people.map((person) => person.devices.length)), new Set([0, 1, 2, 3]))
  })
})
