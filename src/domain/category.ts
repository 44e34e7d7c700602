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
