/**
 * The precedence of a person's settings, the same in claim-deliveries.sql: a mandatory category passes; else the channel
 * switch off wins; else the person's setting for the category; else the category's default.
 */
import type { Category } from './category.ts'
import type { RequestChannel } from './channel.ts'
import type { Profile } from './profile.ts'

export type OwnSettings = Pick<Profile, 'channelOptIns' | 'categoryOptIns'>

export function optedIn(
  settings: OwnSettings,
  category: Pick<Category, 'name' | 'mandatory' | 'optInDefault'>,
  channel: RequestChannel,
): boolean {
  if (category.mandatory) return true
  if (settings.channelOptIns[channel] === false) return false
  return ownChoice(settings, category.name, channel) ?? category.optInDefault
}

/** What the person chose for the category on the channel; undefined where they chose nothing. */
export function ownChoice(
  { categoryOptIns }: OwnSettings,
  category: string,
  channel: RequestChannel,
): boolean | undefined {
  return categoryOptIns.find((each) => each.category === category && each.channel === channel)?.optIn
}
