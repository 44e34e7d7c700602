/**
 * What the router knows about a person: contact data, devices and settings, as one value that a cache can hold.
 */
import type { RequestChannel } from './channel.ts'

export interface Device {
  deviceId: string
  platform: 'ios' | 'android'
  token: string
}

export interface CategoryOptIn {
  category: string
  channel: RequestChannel
  optIn: boolean
}

export interface Profile {
  userId: number
  /** Rises with every change to anything below; a cache never replaces a higher one with a lower. */
  version: number
  email: string | null
  /** E.164. */
  phoneNumber: string | null
  locale: string | null
  /** IANA name. */
  timeZone: string | null
  /** Minutes after local midnight; both null where the person set none. */
  quietFromMinute: number | null
  quietUntilMinute: number | null
  /** Only devices whose token is valid. */
  devices: Device[]
  /** The channel switches (`notification_settings`); a channel without an entry is on. */
  channelOptIns: Partial<Record<RequestChannel, boolean>>
  /** The finer settings (`category_settings`). */
  categoryOptIns: CategoryOptIn[]
}
