/**
 * What registering devices does to those that are there: a token is on one device and a device with one person, so
 * whatever holds one of them already gives way, or keeps it because it was registered later.
 *
 * Two people's records come over different partitions, in any order. That the later registration wins makes the order
 * not matter: a telephone that changed hands does not go back because the first owner's record was slower.
 */
import type { Device } from './profile.ts'

/** A device as its row says. */
export interface HeldDevice {
  deviceId: string
  userId: number
  token: string
  /** Unix ms. */
  registeredAt: number
}

export interface DeviceRegistration extends Device {
  userId: number
  /** Unix ms; null for now, which is later than whatever is held. */
  registeredAt: number | null
}

export interface DeviceChanges {
  registrations: readonly DeviceRegistration[]
  /** By user: the only devices that are to be left. Users who are not named keep what they have. */
  onlyDevices: ReadonlyMap<number, ReadonlySet<string>>
}

/** Device ids that are to go first, and the registrations that stand then. */
export interface DevicePlan {
  removed: string[]
  registered: DeviceRegistration[]
}

/**
 * @param held every device that has an id or a token of the registrations, and all of the users of `onlyDevices`. All
 * device ids, here and there, in lower case.
 */
export function planDevices(held: readonly HeldDevice[], { registrations, onlyDevices }: DeviceChanges): DevicePlan {
  const unlisted = held.filter(({ deviceId, userId }) => onlyDevices.get(userId)?.has(deviceId) === false)
  const leaving = new Set(unlisted)
  const latest = latestOfEach(registrations)
  const renewed = new Set(latest.map(({ deviceId }) => deviceId))
  const byDevice = new Map(held.map((device) => [device.deviceId, device]))
  const byToken = new Map(held.map((device) => [device.token, device]))
  const registered = latest.filter((wanted) => {
    const sameToken = byToken.get(wanted.token)
    // A device that is itself registered anew leaves its old token.
    const inTheWay = [
      byDevice.get(wanted.deviceId),
      sameToken !== undefined && renewed.has(sameToken.deviceId) ? undefined : sameToken,
    ]
    return inTheWay.every(
      (device) =>
        device === undefined ||
        device.userId === wanted.userId ||
        leaving.has(device) ||
        device.registeredAt <= timeOf(wanted),
    )
  })
  const deviceOfToken = new Map(registered.map(({ token, deviceId }) => [token, deviceId]))
  const displaced = held.filter(({ token, deviceId }) => (deviceOfToken.get(token) ?? deviceId) !== deviceId)
  return { removed: [...new Set([...unlisted, ...displaced].map(({ deviceId }) => deviceId))], registered }
}

/** One for each device and for each token: the one that was registered last, of equal ones the last in the list. */
function latestOfEach(registrations: readonly DeviceRegistration[]): DeviceRegistration[] {
  const devices = new Set<string>()
  const tokens = new Set<string>()
  const latestFirst = registrations.toReversed().toSorted((one, other) => compare(timeOf(other), timeOf(one)))
  return latestFirst.filter(({ deviceId, token }) => {
    if (devices.has(deviceId) || tokens.has(token)) return false
    devices.add(deviceId)
    tokens.add(token)
    return true
  })
}

function timeOf({ registeredAt }: DeviceRegistration): number {
  return registeredAt ?? Infinity
}

/** Not by subtraction: Infinity less itself is no number. */
function compare(one: number, other: number): number {
  return one === other ? 0 : one - other
}
