/**
 * The two levels of channel words and the lanes.
 *
 * In requests, categories, settings, caps and preferences a channel is one of `requestChannels`. A `push` becomes one
 * delivery per valid device, and from there on (topics, headers, deliveries, statuses, metrics) one of `channels`.
 */
export const channels = ['ios', 'android', 'sms', 'email'] as const
export type Channel = (typeof channels)[number]

export const requestChannels = ['push', 'sms', 'email'] as const
export type RequestChannel = (typeof requestChannels)[number]

/** Transactional (codes, receipts) and bulk never share a consumer, so a campaign cannot delay a login code. */
export const lanes = ['transactional', 'bulk'] as const
export type Lane = (typeof lanes)[number]

export function isRequestChannel(word: string): word is RequestChannel {
  return (requestChannels as readonly string[]).includes(word)
}

export function isChannel(word: string): word is Channel {
  return (channels as readonly string[]).includes(word)
}

/** The word under which a person's settings and suppressions speak of a delivery's channel. */
export function requestChannelOf(channel: Channel): RequestChannel {
  return channel === 'ios' || channel === 'android' ? 'push' : channel
}
