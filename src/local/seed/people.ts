/**
 * The people of a seeded database: Korean and English speakers with their contact data, devices and settings, each a
 * function of the seed and the user id alone.
 *
 * Nobody real can be reached: addresses lie in the domains that RFC 2606 reserves, Korean numbers in 010-0 and 010-1,
 * which are not given out, and American ones among the 555-01 numbers for fiction. A few devices and numbers are the
 * ones that the simulator refuses as a provider refuses dead ones, so that failures are to be seen too.
 */
import type { RequestChannel } from '../../domain/channel.ts'
import type { DailyHours } from '../../domain/quiet-windows.ts'
import { apnsTokenFor } from '../simulator/apns.ts'
import { createDraws, type Draws } from './draws.ts'

export interface SeededPerson {
  userId: number
  email: string | null
  /** E.164. */
  phoneNumber: string | null
  locale: string
  /** IANA name. */
  timeZone: string
  quietHours: DailyHours | null
  devices: SeededDevice[]
  channelSettings: { channel: RequestChannel; optIn: boolean }[]
  categorySettings: { category: string; channel: RequestChannel; optIn: boolean }[]
}

export interface SeededDevice {
  /** UUID. */
  deviceId: string
  platform: 'ios' | 'android'
  token: string
}

const shares = {
  korean: 0.5,
  unreachable: 0.02,
  withEmail: 0.93,
  withPhoneNumber: 0.9,
  deadDevice: 0.02,
  refusedNumber: 0.015,
} as const

const timeZonesOf = {
  'ko-KR': ['Asia/Seoul'],
  'en-US': ['America/New_York', 'America/Los_Angeles'],
  'en-GB': ['Europe/London'],
} as const

/** How many of a hundred people have no device, one, two, three. */
const peopleByDevices = [12, 58, 22, 8] as const

const channelOptOuts = [
  { channel: 'push', share: 0.04 },
  { channel: 'sms', share: 0.03 },
  { channel: 'email', share: 0.05 },
] as const

const categoryOptOuts = [
  { category: 'weekly-offers', channel: 'email', share: 0.12 },
  { category: 'back-in-stock', channel: 'push', share: 0.06 },
  { category: 'back-in-stock', channel: 'email', share: 0.06 },
] as const

/** @param userId 1 or more. */
export function seededPerson(userId: number, seed: string): SeededPerson {
  const draws = createDraws(seed, userId)
  const korean = draws.chance(shares.korean)
  const unreachable = draws.chance(shares.unreachable)
  const locale = korean ? 'ko-KR' : draws.pick(['en-US', 'en-US', 'en-GB'] as const)
  const has = (share: number) => draws.chance(share) && !unreachable
  return {
    userId,
    email: has(shares.withEmail) ? emailAddress(userId, { korean, draws }) : null,
    phoneNumber: has(shares.withPhoneNumber) ? phoneNumber(userId, { korean, draws }) : null,
    locale,
    timeZone: draws.pick<string>(timeZonesOf[locale]),
    quietHours: null,
    devices: unreachable ? [] : devicesOf(userId, draws),
    channelSettings: channelOptOuts
      .filter(({ share }) => draws.chance(share))
      .map(({ channel }) => ({ channel, optIn: false })),
    categorySettings: categoryOptOuts
      .filter(({ share }) => draws.chance(share))
      .map(({ category, channel }) => ({ category, channel, optIn: false })),
  }
}

interface Person {
  korean: boolean
  draws: Draws
}

function emailAddress(userId: number, { korean, draws }: Person): string {
  const name = korean
    ? draws.pick(['minjun', 'seoyeon', 'jiho', 'haeun', 'dohyun', 'yuna'])
    : draws.pick(['alex', 'grace', 'oliver', 'maya', 'henry', 'chloe'])
  return `${name}.${userId}@${draws.pick(['example.com', 'example.org', 'example.net'])}`
}

const koreanNumbersUnassigned = 20_000_000

function phoneNumber(userId: number, { korean, draws }: Person): string {
  // Twilio's magic numbers: not a mobile number, unsubscribed, no route.
  if (draws.chance(shares.refusedNumber)) return draws.pick(['+15005550009', '+15005550004', '+15005550002'])
  if (korean) return `+8210${String(userId % koreanNumbersUnassigned).padStart(8, '0')}`
  const areaCode = draws.pick(['202', '212', '213', '305', '312', '404', '415', '512', '617', '702', '713', '206'])
  return `+1${areaCode}55501${String(userId % 100).padStart(2, '0')}`
}

function devicesOf(userId: number, draws: Draws): SeededDevice[] {
  const hundredth = draws.below(100)
  let count = 0
  for (let upTo = peopleByDevices[0]; upTo <= hundredth; upTo += peopleByDevices[count] ?? 100) count += 1
  return Array.from({ length: count }, () => device(userId, draws))
}

function device(userId: number, draws: Draws): SeededDevice {
  const deviceId = uuidOf(draws.bytes(16))
  const dead = draws.chance(shares.deadDevice)
  if (draws.chance(0.5)) {
    const reason = draws.pick(['Unregistered', 'Unregistered', 'BadDeviceToken'])
    // Tokens are unique: the user and some bytes tell those of one reason apart.
    const distinction = `${userId.toString(16).padStart(14, '0')}${draws.bytes(4).toString('hex')}`
    const token = dead ? apnsTokenFor(reason, distinction) : draws.bytes(32).toString('hex')
    return { deviceId, platform: 'ios', token }
  }
  const token = `${draws.bytes(16).toString('base64url')}:APA91b${draws.bytes(96).toString('base64url')}`
  return { deviceId, platform: 'android', token: dead ? `UNREGISTERED:${token.slice(0, 22)}` : token }
}

/** RFC 9562, version 8: bytes of our own making. */
function uuidOf(bytes: Buffer): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
