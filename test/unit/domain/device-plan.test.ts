import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { planDevices, type DeviceRegistration, type HeldDevice } from '../../../src/domain/device-plan.ts'

const everything = { registrations: [], onlyDevices: new Map<number, ReadonlySet<string>>() }

function held(deviceId: string, userId: number, token: string, registeredAt = 0): HeldDevice {
  return { deviceId, userId, token, registeredAt }
}

function wanted(
  deviceId: string,
  userId: number,
  token: string,
  registeredAt: number | null = null,
): DeviceRegistration {
  return { deviceId, userId, token, registeredAt, platform: 'android' }
}

describe('registering devices', () => {
  test('leaves everybody else alone', () => {
    const plan = planDevices([held('a', 1, 'token-a')], { ...everything, registrations: [wanted('b', 2, 'token-b')] })
    assert.deepEqual(plan, { removed: [], registered: [wanted('b', 2, 'token-b')] })
  })

  test('takes a token from the device that had it, whosever it was', () => {
    const before = [held('a', 1, 'token', 5), held('b', 2, 'other', 5)]
    const plan = planDevices(before, { ...everything, registrations: [wanted('b', 2, 'token')] })
    assert.deepEqual(plan, { removed: ['a'], registered: [wanted('b', 2, 'token')] })
  })

  test('of two devices that change tokens removes both first, for no moment may show one token twice', () => {
    const before = [held('a', 1, 'token-1', 5), held('b', 2, 'token-2', 5)]
    const registrations = [wanted('a', 1, 'token-2', 7), wanted('b', 2, 'token-1', 6)]
    const plan = planDevices(before, { ...everything, registrations })
    assert.deepEqual(plan.removed.toSorted(), ['a', 'b'])
    assert.equal(plan.registered.length, 2)
  })

  test('moves a device to another person only if that person registered it later', () => {
    const before = [held('a', 1, 'token', 5)]
    const of = (registeredAt: number | null) =>
      planDevices(before, { ...everything, registrations: [wanted('a', 2, 'token', registeredAt)] }).registered.length
    assert.deepEqual([of(4), of(5), of(6), of(null)], [0, 1, 1, 1])
  })

  test('does not mind a later registration of a device that its person does not list any more', () => {
    const plan = planDevices([held('a', 1, 'token', 9)], {
      registrations: [wanted('b', 2, 'token', 5)],
      onlyDevices: new Map([[1, new Set()]]),
    })
    assert.deepEqual(plan, { removed: ['a'], registered: [wanted('b', 2, 'token', 5)] })
  })

  test('removes what a whole list does not name, and nothing of people without one', () => {
    const before = [held('a', 1, 't1'), held('b', 1, 't2'), held('c', 2, 't3')]
    const plan = planDevices(before, { registrations: [], onlyDevices: new Map([[1, new Set(['b'])]]) })
    assert.deepEqual(plan, { removed: ['a'], registered: [] })
  })

  test('of one device or token in several registrations takes the latest, of equal ones the last', () => {
    const registrations = [
      wanted('a', 1, 'token', 5),
      wanted('a', 2, 'token', 7),
      wanted('a', 3, 'token', 7),
      wanted('b', 4, 'token', 6),
    ]
    assert.deepEqual(planDevices([], { ...everything, registrations }).registered, [wanted('a', 3, 'token', 7)])
  })

  test('never ends with one token on two devices, whatever was there and whatever comes', () => {
    const ids: fc.Arbitrary<string> = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const tokens: fc.Arbitrary<string> = fc.constantFrom('t1', 't2', 't3', 't4', 't5')
    const users = fc.integer({ min: 1, max: 3 })
    const times = fc.integer({ min: 0, max: 4 })
    const rows = fc
      .uniqueArray(fc.tuple(ids, users, tokens, times), { selector: ([id]) => id })
      .map((list) => list.filter(([, , token], index) => list.findIndex((each) => each[2] === token) === index))
    const wishes = fc.array(fc.tuple(ids, users, tokens, fc.option(times)))
    fc.assert(
      fc.property(rows, wishes, fc.dictionary(users.map(String), fc.array(ids)), (before, after, lists) => {
        const plan = planDevices(
          before.map((row) => held(...row)),
          {
            registrations: after.map((row) => wanted(...row)),
            onlyDevices: new Map(Object.entries(lists).map(([userId, listed]) => [Number(userId), new Set(listed)])),
          },
        )
        const rowsAfter = new Map(
          before.filter(([id]) => !plan.removed.includes(id)).map(([id, , token]) => [id, token]),
        )
        for (const { deviceId, token } of plan.registered) {
          // As the unique index sees it, row by row.
          const others = [...rowsAfter].filter(([id]) => id !== deviceId).map(([, other]) => other)
          assert.ok(!others.includes(token))
          rowsAfter.set(deviceId, token)
        }
      }),
    )
  })
})
