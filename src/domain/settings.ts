/**
 * The precedence of a person's settings, the same in claim-deliveries.sql: a mandatory category passes; else the channel
 * switch off wins; else the person's setting for the category; else the category's default.
 */
import type { Category } from './category.ts'
import type { RequestChannel } from './channel.ts'
import type { Profile } from './profile.ts'

export function optedIn(profile: Profile, category: Category, channel: RequestChannel): boolean {
  if (category.mandatory) return true
  if (profile.channelOptIns[channel] === false) return false
  const own = profile.categoryOptIns.find((each) => each.category === category.name && each.channel === channel)
  return own?.optIn ?? category.optInDefault
}
