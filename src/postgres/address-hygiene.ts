/**
 * Addresses that are not to be written to any more, in Postgres: suppressed, or a device's invalidated. Every write
 * changes nothing the second time.
 */
import type { RequestChannel } from '../domain/channel.ts'
import { softBounceLimit, type Suppression } from '../domain/suppression.ts'
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { column, safeIntegerOf, timestampOf, withoutNul } from './values.ts'

const suppressStatement = loadStatement('suppress-addresses')
const liftStatement = loadStatement('lift-stops')
const recordSoftStatement = loadStatement('record-soft-bounces')
const suppressSoftStatement = loadStatement('suppress-soft-bounced')
const invalidateStatement = loadStatement('invalidate-devices')

export interface LiftedStop {
  channel: RequestChannel
  addressHash: Uint8Array
  /** Unix ms; a STOP that came later stays. */
  untilMs: number
}

export interface SoftBounce {
  channel: RequestChannel
  addressHash: Uint8Array
  feedbackId: string
  occurredAtMs: number
}

export interface DeadToken {
  token: string
  /** Unix ms; a registration that is not older is kept. */
  sinceMs: number
}

export interface AddressHygiene {
  /** @param suppressions no two of one channel, address, scope and cause. */
  suppress(suppressions: readonly Suppression[]): Promise<void>
  liftStops(lifted: readonly LiftedStop[]): Promise<void>
  /** Notes them, and suppresses what bounced too often. @param bounces no two of one address and report. */
  recordSoftBounces(bounces: readonly SoftBounce[]): Promise<void>
  /** @param tokens each once. @returns the users whose devices they were. */
  invalidateDevices(tokens: readonly DeadToken[]): Promise<number[]>
}

export function createAddressHygiene(pool: Queryable): AddressHygiene {
  async function recordSoftBounces(bounces: readonly SoftBounce[]): Promise<void> {
    if (bounces.length === 0) return
    const addressHashes = column(bounces, ({ addressHash }) => addressHash)
    const channels = column(bounces, ({ channel }) => channel)
    const feedbackIds = column(bounces, ({ feedbackId }) => withoutNul(feedbackId))
    const moments = column(bounces, ({ occurredAtMs }) => timestampOf(occurredAtMs))
    await pool.query(recordSoftStatement, [addressHashes, channels, feedbackIds, moments])
    const { windowMs, count } = softBounceLimit
    await pool.query(suppressSoftStatement, [addressHashes, channels, moments, windowMs, count])
  }

  return {
    suppress: async (suppressions) => {
      if (suppressions.length === 0) return
      await pool.query(suppressStatement, [
        column(suppressions, ({ channel }) => channel),
        column(suppressions, ({ addressHash }) => addressHash),
        column(suppressions, ({ scope }) => withoutNul(scope)),
        column(suppressions, ({ cause }) => cause),
        column(suppressions, ({ sinceMs }) => timestampOf(sinceMs)),
      ])
    },
    liftStops: async (lifted) => {
      if (lifted.length === 0) return
      await pool.query(liftStatement, [
        column(lifted, ({ channel }) => channel),
        column(lifted, ({ addressHash }) => addressHash),
        column(lifted, ({ untilMs }) => timestampOf(untilMs)),
      ])
    },
    recordSoftBounces,
    invalidateDevices: async (tokens) => {
      if (tokens.length === 0) return []
      const rows = await pool.query<{ user_id: string }>(invalidateStatement, [
        column(tokens, ({ token }) => token),
        column(tokens, ({ sinceMs }) => timestampOf(sinceMs)),
      ])
      return rows.map((row) => safeIntegerOf(row.user_id))
    },
  }
}
