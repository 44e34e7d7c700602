/**
 * A category of notifications, as its row says: the rules that all of its notifications share.
 */
import type { Lane, RequestChannel } from './channel.ts'
import type { UnknownPolicy } from './delivery-command.ts'
import type { DailyHours } from './quiet-windows.ts'

export interface Cap {
  limit: number
  windowSeconds: number
}

/** 6 days: less than the topics keep records. */
export const timeToLiveSecondsMax = 518_400

export interface Category {
  name: string
  lane: Lane
  /** Where a request names no channels. */
  channels: RequestChannel[]
  /** Ignores opt-outs, caps and quiet hours; never suppressions. */
  mandatory: boolean
  /** Whether somebody who said nothing gets it. */
  optInDefault: boolean
  caps: Cap[]
  overCapPolicy: 'defer' | 'drop'
  /** What happens while nobody can count: sent uncounted, or asked again later. */
  capsUnavailablePolicy: 'send' | 'defer'
  quietHoursPolicy: 'defer' | 'ignore'
  /** On the person's clocks; null: at any time. Outside of it the category waits, whatever the person set. */
  sendWindow: DailyHours | null
  /** From max(createdAt, sendAt); at most 6 days. */
  timeToLiveSeconds: number
  unknownPolicy: UnknownPolicy
  templateId: string
}

/** How people meet it on their preference page. */
export interface CategoryPresentation {
  /** What they call it, by language. */
  titles: Readonly<Record<string, string>>
  /** Only one that nobody can leave may be kept from the page. */
  listed: boolean
}
