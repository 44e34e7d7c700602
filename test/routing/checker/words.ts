/**
 * The words of requests, statuses and rows, as the contracts give them.
 */
const requestChannels: ReadonlySet<string> = new Set(['push', 'sms', 'email'])

export function isRequestChannel(word: string): boolean {
  return requestChannels.has(word)
}

/** What requests call push is ios or android from the router on. */
export function requestChannelOf(channel: string): string {
  return channel === 'ios' || channel === 'android' ? 'push' : channel
}

/** Statuses after which nothing more comes of what they are about, one excluding the other. */
const ends: ReadonlySet<string> = new Set(['sent', 'failed', 'suppressed', 'expired', 'cancelled'])

export function isEnd({ status }: { status: string }): boolean {
  return ends.has(status)
}

/** (source, notificationId) is the identity of an event; ids are compared without regard to case. */
export function nameOf({ source, notificationId }: { source: string; notificationId: string }): string {
  return `${source}/${notificationId.toLowerCase()}`
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function isUuid(text: string): boolean {
  return uuid.test(text)
}

/** Well-formed, whether anybody speaks it or not. */
export function isLanguageTag(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length > 0
  } catch {
    return false
  }
}

export function utcDayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
