/**
 * People at random: where they live as far as they say, when they sleep, what they chose, and which of their addresses
 * nobody may write to.
 */
import type { Category, Person, Suppression } from './checker/observations.ts'
import type { Choices } from './random-choices.ts'
import { randomHours } from './random-rules.ts'

/** Half hours, quarters, a change of half an hour, both sides of the date line, none, and one that does not exist. */
const zones = [
  'Asia/Seoul',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Pacific/Kiritimati',
  'Pacific/Pago_Pago',
  null,
  null,
  'Mars/Olympus',
]

const locales = [
  'ko-KR',
  'en-US',
  'en-GB',
  'de-AT',
  'pt-BR',
  'zh-Hant-TW',
  'fr-CA',
  'en',
  'KO-kr',
  'not a locale',
  null,
]

const prefixes = ['+8210', '+1415555', '+1212555', '+4915112', '+614', '+55119']

export interface Population {
  people: Person[]
  suppressions: Suppression[]
}

export function randomPopulation(
  choices: Choices,
  {
    count,
    firstUserId,
    categories,
    from,
  }: { count: number; firstUserId: number; categories: readonly Category[]; from: number },
): Population {
  const people = Array.from({ length: count }, (_, at) => randomPerson(choices, firstUserId + at, { categories, from }))
  return { people, suppressions: people.flatMap((person) => suppressionsOf(choices, person, categories)) }
}

const channels = ['push', 'sms', 'email'] as const
const hour = 60

function randomPerson(
  choices: Choices,
  userId: number,
  { categories, from }: { categories: readonly Category[]; from: number },
): Person {
  return {
    userId,
    // A few sign up while the run goes on.
    knownFrom: choices.chance(0.05) ? from + choices.integer(1, 24 * 3) * 20 * 60_000 : from,
    locale: choices.pick(locales),
    timeZone: choices.pick(zones),
    quietHours: choices.chance(0.6) ? randomHours(choices, { shortest: hour, longest: 10 * hour }) : null,
    devices: Array.from({ length: choices.pick([0, 1, 1, 2, 3]) }, () => {
      const platform = choices.pick(['ios', 'android'] as const)
      return {
        deviceId: choices.uuid(),
        platform,
        token: choices.uuid().replaceAll('-', ''),
        isValid: choices.chance(0.85),
      }
    }),
    phoneNumber: choices.chance(0.8) ? phoneNumberOf(choices, userId) : null,
    email: choices.chance(0.85) ? `${choices.pick(['user', 'User'])}-${userId}@example.com` : null,
    channelSettings: choices.some(channels, 0.25).map((channel) => ({ channel, optIn: choices.chance(0.3) })),
    categorySettings: categories.flatMap(({ name: category }) =>
      choices.some(channels, 0.12).map((channel) => ({ category, channel, optIn: choices.chance(0.5) })),
    ),
  }
}

function phoneNumberOf(choices: Choices, userId: number): string {
  const prefix = choices.pick(prefixes)
  const lengths: Record<string, number> = {
    '+8210': 8,
    '+1415555': 4,
    '+1212555': 4,
    '+4915112': 6,
    '+614': 8,
    '+55119': 8,
  }
  return `${prefix}${String(userId)
    .padStart(lengths[prefix] ?? 8, '0')
    .slice(-(lengths[prefix] ?? 8))}`
}

/** Written otherwise than the person writes it, where that makes no difference. */
function suppressionsOf(choices: Choices, person: Person, categories: readonly Category[]): Suppression[] {
  const addresses = [
    ...person.devices.map(({ token }) => ({ channel: 'push', address: token })),
    ...(person.phoneNumber === null ? [] : [{ channel: 'sms', address: person.phoneNumber }]),
    ...(person.email === null ? [] : [{ channel: 'email', address: person.email.toLowerCase() }]),
  ]
  return choices.some(addresses, 0.1).map((to) => ({
    ...to,
    scope: choices.chance(0.5) ? 'all' : choices.pick(categories).name,
  }))
}
