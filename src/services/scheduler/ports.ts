/**
 * What the scheduler needs from outside. roles/ hands it the adapters.
 */
import type { Lane } from '../../domain/channel.ts'
import type { OutgoingRecord } from '../../domain/record.ts'

export interface DueNotification {
  pass: number
  userId: number
  value: Uint8Array
  lateMs: number
}

export interface SchedulerPorts {
  /** Takes at most so many, earliest first; forgets them once `publish` resolves. @returns how many. */
  takeDue(lane: Lane, limit: number, publish: (due: readonly DueNotification[]) => Promise<void>): Promise<number>
  /** Resolves once all are acknowledged. */
  publish(records: readonly OutgoingRecord[]): Promise<void>
  requestedTopic(lane: Lane): string
  /** Monotonic ms. */
  clock(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
  observe(observation: SchedulerObservation): void
}

export type SchedulerObservation =
  | { kind: 'resumed'; lane: Lane; count: number; latestMs: number }
  /** A look that ended well, whether or not something was due. */
  | { kind: 'looked'; lane: Lane }
  | { kind: 'unavailable'; lane: Lane; error: unknown }
