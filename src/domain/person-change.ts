/**
 * A change of one person, from whichever door it comes: HTTP, import or users.changed.
 */
import type { ContactData } from './contact-data.ts'
import type { DeviceRegistration } from './device-plan.ts'
import type { DailyHours } from './quiet-windows.ts'

export interface PersonChange {
  userId: number
  contact: ContactData
  quietHours: DailyHours | null | 'kept'
  /** The version of the person's own user service; null where the change comes from elsewhere, and then it counts. */
  externalVersion: number | null
  devices: PersonDevices | 'kept'
}

/** All devices that the person is to have. */
export interface PersonDevices {
  registered: readonly Omit<DeviceRegistration, 'userId'>[]
  /** Ids of further ones that stay as they are, if they are there. */
  leftAlone: readonly string[]
}
