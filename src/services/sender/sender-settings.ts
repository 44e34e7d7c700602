/**
 * The limits of one sender, each with its unit.
 */
import type { Channel, Lane } from '../../domain/channel.ts'

export interface SenderSettings {
  channel: Channel
  lane: Lane
  /** Calls under way at once, at this moment: an operator may change it. */
  concurrency(): number
  /** How long a claim holds a delivery, by Postgres's clock; outlasts a call with its time-out and what follows it. */
  leaseMs: number
  /** The most that one provider call may take, its own time-out included. A lease with less left is renewed first. */
  callBudgetMs: number
  /** This process: what is claimed under it may be claimed again by it. */
  owner: string
}

/** A claim waits this long for more free places, so that it is one statement for many and not many for one. */
export const admissionLingerMs = 5
/** Of the concurrency: with so many places free it does not wait. */
export const admissionShare = 0.25
/** A misconfigured account is tried again after this. Nothing is spent and nothing starts meanwhile. */
export const accountHoldMs = 15_000
/** Rows that moved between snapshot and update are asked for again, at once, so often. */
export const claimAsksMax = 10
/** Settlements wait this long for more, unless one statement's worth is there. */
export const settleLingerMs = 5
export const settleBatchMax = 500
