import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PersonChange } from '../../../src/domain/person-change.ts'
import type { ConsumedRecord } from '../../../src/domain/record.ts'
import { faultyFieldOf, type UserChanged } from '../../../src/domain/user-changed.ts'
import { topicNames } from '../../../src/domain/topic-names.ts'
import { handleChanges } from '../../../src/services/profiles/profiles.ts'
import type { ProfilesObservation, ProfilesPorts } from '../../../src/services/profiles/ports.ts'
import { aConsumedRecord } from '../../support/builders/consumed-records.ts'
import { changedDevice, userChanged } from '../../support/builders/user-changed.ts'

/** What a chunk did, in order, with a database in which nobody is known in a later version. */
async function outcomeOf(...records: readonly ConsumedRecord[]) {
  const did: string[] = []
  const changes: PersonChange[] = []
  const observations: ProfilesObservation[] = []
  const deadLetters: string[] = []
  const ports: ProfilesPorts = {
    decode: (values) =>
      Promise.resolve(
        values.map((value) => {
          const text = Buffer.from(value).toString()
          if (text === 'poison') return { kind: 'poison', reason: 'not_avro' } as const
          return { kind: 'changed', change: JSON.parse(text) as UserChanged } as const
        }),
      ),
    change: (given) => {
      did.push(`change ${given.map(({ userId, externalVersion }) => `${userId}@${externalVersion}`).join()}`)
      changes.push(...given)
      const userIds = given.map(({ userId }) => userId)
      return Promise.resolve({ written: userIds, touched: [...userIds, 99] })
    },
    erasure: {
      erase: (userIds) => {
        did.push(`erase ${userIds.join()}`)
        return Promise.resolve(userIds.map((userId) => ({ userId, existed: true, version: 1 })))
      },
      forgetProfiles: () => Promise.resolve(),
      findOpen: () => Promise.resolve([]),
      log: { cancel: () => assert.fail('nothing is open') },
      caps: { release: () => Promise.resolve() },
      encodeStatus: () => new Uint8Array(),
      publish: () => Promise.resolve(),
      topics: topicNames(),
      sha1: (input) => input,
      now: () => 0,
      observe: () => {},
    },
    writeThrough: {
      loadProfiles: (userIds) => {
        did.push(`cache ${userIds.join()}`)
        return Promise.resolve(new Map())
      },
      storeProfiles: () => Promise.resolve(),
    },
    deadLetter: (record, reason, error) => {
      deadLetters.push(`${record.offset} ${reason} ${error ?? ''}`.trim())
      return { topic: 'users.changed.dlq', key: record.key, value: record.value, headers: {} }
    },
    publish: () => Promise.resolve(),
    observe: (observation) => void observations.push(observation),
  }
  await handleChanges(records, ports)
  return { did, changes, deadLetters, people: observations.find(({ kind }) => kind === 'people') }
}

let offset = 0n
const recordOf = (key: string, value: string | null) =>
  aConsumedRecord({
    offset: (offset += 1n),
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
  })
const changeOf = (choices: Partial<UserChanged>) => {
  const change = userChanged(choices)
  return recordOf(String(change.userId), JSON.stringify(change))
}
const erasureOf = (userId: number) => recordOf(String(userId), null)

describe('a chunk of users.changed', () => {
  test('comes to the highest version of each person, and of equal ones the first', async () => {
    const { changes, people } = await outcomeOf(
      changeOf({ userId: 1, version: 2 }),
      changeOf({ userId: 2, version: 7, locale: 'ko' }),
      changeOf({ userId: 1, version: 3 }),
      changeOf({ userId: 2, version: 7, locale: 'fr' }),
      changeOf({ userId: 1, version: 1 }),
    )
    assert.deepEqual(
      changes.map(({ userId, externalVersion, contact }) => [userId, externalVersion, contact.locale]),
      [
        [1, 3, 'en'],
        [2, 7, 'ko'],
      ],
    )
    assert.deepEqual(people, { kind: 'people', written: 2, stale: 3, erased: 0 })
  })

  test('erases before it writes: who comes back after an erasure comes back as somebody new', async () => {
    const { did } = await outcomeOf(
      changeOf({ userId: 1, version: 9 }),
      erasureOf(1),
      changeOf({ userId: 1, version: 1 }),
      changeOf({ userId: 2, version: 5 }),
      erasureOf(2),
    )
    assert.deepEqual(did, ['erase 1,2', 'change 1@1', 'cache 1,99'])
  })

  test('writes the cache for everybody it speaks of and everybody who lost a device, written or not', async () => {
    const { did } = await outcomeOf(changeOf({ userId: 5 }), changeOf({ userId: 6 }))
    assert.deepEqual(did.at(-1), 'cache 5,6,99')
  })

  test('leaves devices of unknown platforms alone, and quiet hours to the person', async () => {
    const [known, unknown] = [changedDevice(), changedDevice({ platform: 'UNKNOWN', token: '' })]
    const { changes } = await outcomeOf(changeOf({ userId: 1, devices: [known, unknown] }))
    assert.deepEqual(changes[0]?.devices, { registered: [known], leftAlone: [unknown.deviceId] })
    assert.equal(changes[0]?.quietHours, 'kept')
  })

  test('sets aside what cannot be right, by the name of the field, and its neighbours go on', async () => {
    offset = 0n
    const { changes, deadLetters } = await outcomeOf(
      recordOf('1', 'poison'),
      changeOf({ userId: 2, email: 'nobody at all' }),
      changeOf({ userId: 3 }),
      recordOf('4', JSON.stringify(userChanged({ userId: 5 }))),
      recordOf('six', null),
      recordOf('07', null),
    )
    assert.deepEqual(deadLetters, [
      '1 not_avro',
      '2 data_error email',
      '4 data_error key',
      '5 data_error key',
      '6 data_error key',
    ])
    assert.deepEqual(
      changes.map(({ userId }) => userId),
      [3],
    )
  })

  test('of dead letters alone touches nothing else', async () => {
    const { did } = await outcomeOf(recordOf('1', 'poison'))
    assert.deepEqual(did, [])
  })
})

describe('a change of a person', () => {
  const faults: readonly [string, Partial<UserChanged>][] = [
    ['userId', { userId: 0 }],
    ['userId', { userId: Number.MAX_SAFE_INTEGER }],
    ['version', { version: 1.5 }],
    ['email', { email: '' }],
    ['phoneNumber', { phoneNumber: '010-1234' }],
    ['locale', { locale: 'not a tag' }],
    ['timeZone', { timeZone: 'Mars/Olympus' }],
    ['timeZone', { timeZone: '+09:00' }],
    ['devices', { devices: Array.from({ length: 101 }, () => changedDevice()) }],
    ['devices[1].deviceId', { devices: [changedDevice(), changedDevice({ deviceId: 'telephone', token: 'x' })] }],
    ['devices[0].deviceId', { devices: [changedDevice({ deviceId: 'x', platform: 'UNKNOWN', token: 'x' })] }],
    ['devices[0].token', { devices: [changedDevice({ platform: 'ios', token: 'no hex' })] }],
    ['devices[0].token', { devices: [changedDevice({ token: '' })] }],
    ['devices[0].registeredAt', { devices: [changedDevice({ registeredAt: 9e15 })] }],
    ['devices[0].registeredAt', { devices: [changedDevice({ registeredAt: -1 })] }],
  ]
  for (const [field, choices] of faults) {
    test(`is refused for ${field}: ${JSON.stringify(choices).slice(0, 60)}`, () => {
      assert.equal(faultyFieldOf(userChanged(choices)), field)
    })
  }

  test('may lack everything but the person and the version', () => {
    const bare = { email: null, phoneNumber: null, locale: null, timeZone: null, devices: [] }
    assert.equal(faultyFieldOf(userChanged(bare)), undefined)
  })
})
