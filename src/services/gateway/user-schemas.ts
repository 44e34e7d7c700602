/**
 * People on the wire of the gateway: their contact data and devices. What is refused is named and never repeated.
 */
import { z } from 'zod'
import { contactRules, type ContactData, type ContactField } from '../../domain/contact-data.ts'
import { isDeviceToken } from '../../domain/contact-address.ts'
import type { PersonChange } from '../../domain/person-change.ts'
import type { Profile } from '../../domain/profile.ts'
import type { DailyHours } from '../../domain/quiet-windows.ts'
import { minuteOfDay, timeOfDay, timeOfDayForm } from '../../domain/time-of-day.ts'
import { devicesPerPersonMax } from '../../domain/user-changed.ts'
import { momentSchema, userIdSchema, userIdTextSchema } from './field-schemas.ts'

const examples: Record<ContactField, string> = {
  email: 'ada@example.com',
  phoneNumber: '+14155552671',
  locale: 'ko-KR',
  timeZone: 'Asia/Seoul',
}

/** Longer than any of them may be; what it spares is parsing a text of 64 KiB. */
const contactCharactersMax = 320

function contactSchema(field: ContactField) {
  const { expected, accepts } = contactRules[field]
  return z
    .string()
    .refine((text) => text.length <= contactCharactersMax && accepts(text), expected)
    .meta({ description: expected, examples: [examples[field]] })
    .nullable()
}

const timeOfDaySchema = z
  .string()
  .regex(timeOfDayForm, 'a time of day such as 22:30')
  .meta({ examples: ['22:00', '08:00'] })

export const dailyHoursSchema = z.strictObject({ from: timeOfDaySchema, until: timeOfDaySchema }).meta({
  id: 'DailyHours',
  description: 'On the person’s own clocks; over midnight where the end is not after the start',
})

/** Every field is said, or a change of one would take away the others unnoticed. */
const contactSchemas = {
  email: contactSchema('email'),
  phoneNumber: contactSchema('phoneNumber'),
  locale: contactSchema('locale'),
  timeZone: contactSchema('timeZone'),
}

const quietHoursSchema = dailyHoursSchema
  .nullish()
  .describe('Null for none. Left out: what the person set by themselves stays.')

export const putUserSchema = z
  .strictObject({ ...contactSchemas, quietHours: quietHoursSchema })
  .meta({ id: 'UserData', description: 'All that is known of a person; null where there is none' })
export type UserData = z.infer<typeof putUserSchema>

const platformSchema = z.enum(['ios', 'android'])
/** Both end the check: what is wrong is told once. */
const tokenSchema = z.string().min(1, { abort: true }).max(2048, { abort: true })
const tokenFault = {
  path: ['token'],
  error: 'a token as the platform issues it: hex for ios, visible ASCII for android',
}

export const putDeviceSchema = z
  .strictObject({ platform: platformSchema, token: tokenSchema })
  .refine(({ platform, token }) => isDeviceToken(platform, token), tokenFault)
  .meta({ id: 'DeviceData', examples: [{ platform: 'ios', token: '00fc13adff785122b4ad28809a342098' }] })

const importedDeviceSchema = z
  .strictObject({ deviceId: z.guid(), platform: platformSchema, token: tokenSchema })
  .refine(({ platform, token }) => isDeviceToken(platform, token), tokenFault)

/** One line of an import. */
export const importedUserSchema = z
  .strictObject({
    userId: userIdSchema,
    ...contactSchemas,
    quietHours: quietHoursSchema,
    devices: z
      .array(importedDeviceSchema)
      .max(devicesPerPersonMax)
      .optional()
      .describe('All that the person is to have. Left out: the present ones stay.'),
  })
  .meta({ id: 'ImportedUser' })

export const userParamsSchema = z.object({ userId: userIdTextSchema })
export const deviceParamsSchema = z.object({ userId: userIdTextSchema, deviceId: z.guid() })

export const userSchema = z
  .object({
    userId: userIdSchema,
    email: z.string().nullable(),
    phoneNumber: z.string().nullable(),
    locale: z.string().nullable(),
    timeZone: z.string().nullable(),
    quietHours: dailyHoursSchema.nullable(),
    devices: z.array(z.object({ deviceId: z.guid(), platform: platformSchema })).describe('Those that can be notified'),
  })
  .meta({ id: 'User' })

export const devicesSchema = z
  .object({
    devices: z.array(
      z.object({
        deviceId: z.guid(),
        platform: platformSchema,
        registeredAt: momentSchema,
        lastSeenAt: momentSchema,
        invalidatedAt: momentSchema.nullable().describe('When a provider called its token dead'),
      }),
    ),
  })
  .meta({ id: 'Devices', description: 'Without their tokens' })

export function viewOfUser(profile: Profile): z.infer<typeof userSchema> {
  const { userId, email, phoneNumber, locale, timeZone, quietFromMinute, quietUntilMinute, devices } = profile
  const quietHours =
    quietFromMinute === null || quietUntilMinute === null
      ? null
      : viewOfHours({ fromMinute: quietFromMinute, untilMinute: quietUntilMinute })
  return {
    userId,
    email,
    phoneNumber,
    locale,
    timeZone,
    quietHours,
    devices: devices.map(({ deviceId, platform }) => ({ deviceId, platform })),
  }
}

export function viewOfHours({ fromMinute, untilMinute }: DailyHours): z.infer<typeof dailyHoursSchema> {
  return { from: timeOfDay(fromMinute), until: timeOfDay(untilMinute) }
}

export function hoursOf({ from, until }: z.infer<typeof dailyHoursSchema>): DailyHours {
  return { fromMinute: minuteOfDay(from), untilMinute: minuteOfDay(until) }
}

/** @param data of a request or of a line of an import. */
export function changeOf(
  userId: number,
  { quietHours, ...contact }: UserData,
  devices: PersonChange['devices'],
): PersonChange {
  const { email, phoneNumber, locale, timeZone }: ContactData = contact
  const hours = quietHours === undefined ? 'kept' : quietHours === null ? null : hoursOf(quietHours)
  return {
    userId,
    contact: { email, phoneNumber, locale, timeZone },
    quietHours: hours,
    externalVersion: null,
    devices,
  }
}
