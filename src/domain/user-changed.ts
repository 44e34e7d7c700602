/**
 * A person's whole contact data as a company's user service publishes it (avro/user-changed.avsc). Times are Unix ms.
 */
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
