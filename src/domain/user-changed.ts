/**
 * A person's whole contact data as a company's user service publishes it (avro/user-changed.avsc), and what of
 * it cannot be right. Times are Unix ms.
 */
import { isDeviceToken } from './contact-address.ts'
import { faultyContactField } from './contact-data.ts'
import { isUuid } from './identity.ts'
import { isUserId } from './user-id.ts'

export interface UserChanged {
  userId: number
  /** Rises with every change of this person; a lower or equal one that comes later changes nothing. */
  version: number
  email: string | null
  phoneNumber: string | null
  locale: string | null
  timeZone: string | null
  devices: ChangedDevice[]
  changedAt: number
}

export interface ChangedDevice {
  deviceId: string
  /** `UNKNOWN` where a newer writer names a platform that this reader does not know: left alone. */
  platform: 'UNKNOWN' | 'ios' | 'android'
  token: string
  registeredAt: number
}

/** Each device is a delivery of every push; nobody has so many. */
export const devicesPerPersonMax = 100

/** The end of the year 9999, beyond which Postgres and Date part ways. */
const latestInstantMs = Date.UTC(9999, 11, 31)

/** The name of the first field that cannot be right, `devices[2].token`; undefined where all can. */
export function faultyFieldOf(change: UserChanged): string | undefined {
  if (!isUserId(change.userId)) return 'userId'
  if (!Number.isSafeInteger(change.version)) return 'version'
  const contactField = faultyContactField(change)
  if (contactField !== undefined) return contactField
  if (change.devices.length > devicesPerPersonMax) return 'devices'
  for (const [index, device] of change.devices.entries()) {
    const field = faultyDeviceField(device)
    if (field !== undefined) return `devices[${index}].${field}`
  }
  return undefined
}

function faultyDeviceField({
  deviceId,
  platform,
  token,
  registeredAt,
}: ChangedDevice): keyof ChangedDevice | undefined {
  if (!isUuid(deviceId)) return 'deviceId'
  // Of a platform that this version does not know, nobody knows what its tokens look like.
  if (platform !== 'UNKNOWN' && !isDeviceToken(platform, token)) return 'token'
  return registeredAt >= 0 && registeredAt <= latestInstantMs ? undefined : 'registeredAt'
}
