/**
 * Changes of people as a door would hand them to the database.
 */
import type { DeviceRegistration } from '../../../src/domain/device-plan.ts'
import type { PersonChange } from '../../../src/domain/person-change.ts'
import { emailOf, phoneNumberOf } from './catalogue.ts'

/** Somebody with an email address and a number, from no version of anybody's, whose devices and quiet hours stay. */
export function personChange(choices: Partial<PersonChange> = {}): PersonChange {
  const { userId = 1 } = choices
  return {
    userId,
    contact: { email: emailOf(userId), phoneNumber: phoneNumberOf(userId), locale: 'en', timeZone: null },
    quietHours: 'kept',
    externalVersion: null,
    devices: 'kept',
    ...choices,
  }
}

/** An Android device whose token follows from its id, registered now. */
export function registration(
  choices: Partial<DeviceRegistration> & Pick<DeviceRegistration, 'deviceId'>,
): DeviceRegistration {
  return { userId: 1, platform: 'android', token: `token-of-${choices.deviceId}`, registeredAt: null, ...choices }
}
