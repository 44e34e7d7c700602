/**
 * What people chose, and whom nobody may write to.
 *
 * Precedence: a mandatory category passes; else the channel switched off wins; else the person's setting for the
 * category; else the category's default. A suppressed address is never written to, whatever else holds.
 */
import type { Category, Person, Suppression } from './observations.ts'

export function isOptedIn(person: Person, category: Category, channel: string): boolean {
  if (category.isMandatory) return true
  if (person.channelSettings.some((setting) => setting.channel === channel && !setting.optIn)) return false
  const chosen = person.categorySettings.find(
    (setting) => setting.category === category.name && setting.channel === channel,
  )
  return chosen?.optIn ?? category.optInDefault
}

export function isSuppressed(
  suppressions: readonly Suppression[],
  { category, channel, address }: { category: string; channel: string; address: string },
): boolean {
  const written = writtenAlike(channel, address)
  return suppressions.some(
    (entry) =>
      entry.channel === channel &&
      writtenAlike(channel, entry.address) === written &&
      (entry.scope === 'all' || entry.scope === category),
  )
}

/** Nobody has two mailboxes that differ in capitals only. */
function writtenAlike(channel: string, address: string): string {
  return channel === 'email' ? address.toLowerCase() : address
}

export interface Reachable {
  /** `ios`, `android`, `sms`, `email`. */
  channel: string
  address: string
}

/** Where the person can be reached on a request's channel. */
export function addressesOf(person: Person, channel: string): Reachable[] {
  if (channel === 'push') {
    return person.devices
      .filter(({ isValid }) => isValid)
      .map(({ platform, token }) => ({ channel: platform, address: token }))
  }
  const address = channel === 'sms' ? person.phoneNumber : channel === 'email' ? person.email : null
  return address === null ? [] : [{ channel, address }]
}
