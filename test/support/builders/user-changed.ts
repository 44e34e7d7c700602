/**
 * Records of users.changed as a company's user service would write them.
 */
import { randomUUID } from 'node:crypto'
import type { ChangedDevice, UserChanged } from '../../../src/domain/user-changed.ts'
import { emailOf, phoneNumberOf } from './catalogue.ts'

/** The first version of somebody with an email address and a number, without a device. */
export function userChanged(choices: Partial<UserChanged> = {}): UserChanged {
  const { userId = 1 } = choices
  return {
    userId,
    version: 1,
    email: emailOf(userId),
    phoneNumber: phoneNumberOf(userId),
    locale: 'en',
    timeZone: 'Asia/Seoul',
    devices: [],
    changedAt: Date.now(),
    ...choices,
  }
}

/** An Android device of its own. */
export function changedDevice(choices: Partial<ChangedDevice> = {}): ChangedDevice {
  const { deviceId = randomUUID() } = choices
  return { deviceId, platform: 'android', token: `token-of-${deviceId}`, registeredAt: Date.now() - 60_000, ...choices }
}
