/**
 * A category of notifications, as its row says: the rules that all of its notifications share.
 */
import type { Lane, RequestChannel } from './channel.ts'
import type { UnknownPolicy } from './delivery-command.ts'

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
  quietHoursPolicy: 'defer' | 'ignore'
  /** From max(createdAt, sendAt); at most 6 days. */
  timeToLiveSeconds: number
  unknownPolicy: UnknownPolicy
  templateId: string
}
