/**
 * The claim's table, case by case: what the row says, what the record says, what is answered, and what is written.
 */
import { randomUUID } from 'node:crypto'
import type { ClaimAction, ClaimRequest } from '../../src/domain/claim.ts'
import { deliveryStates, isFinal } from '../../src/domain/delivery-state.ts'
import type { DeliveryProgress, DeliveryRow } from '../support/builders/delivery-row.ts'
import { hourMs } from '../support/builders/log-entry.ts'

export const mine = randomUUID()
export const minuteMs = 60_000

// Users 100 to 105, by what they said.
export const channelOff = 100
export const categoryOff = 101
export const categoryOnAskedOnly = 102
const saidNothing = 103
export const channelOffCategoryOn = 104
export const otherChannelOff = 105

export const suppressedEverywhere = Uint8Array.of(1, 1)
export const suppressedInReceipts = Uint8Array.of(2, 2)
export const suppressedInEmail = Uint8Array.of(3, 3)

/** A row, a record for it, what is answered, and what is left of the row: unchanged if nothing is said. */
export interface ClaimCase {
  because: string
  row: Partial<DeliveryRow> | null
  record: Partial<ClaimRequest>
  action: ClaimAction
  leaves?: Partial<DeliveryProgress>
}

export const claimed = { state: 'claimed', leased: true, lease_owner: mine, reason: null, next_due_at: null } as const
const unleased = { lease_owner: null, leased: null }

const hops: ClaimCase[] = [
  { because: 'the first record of a routed row', row: {}, record: {}, action: 'claim', leaves: { ...claimed, hop: 1 } },
  {
    because: 'the next record of a retrying row',
    row: { state: 'retrying', hop: 2, attempt: 2, reason: 'throttled', nextDueInMs: -5, provider: 'twilio' },
    record: { hop: 3 },
    action: 'claim',
    leaves: { ...claimed, hop: 3, attempt: 2, provider: 'twilio' },
  },
  { because: 'no row', row: null, record: {}, action: 'no_row' },
  { because: 'a gap of a hop', row: { state: 'retrying', hop: 1 }, record: { hop: 3 }, action: 'no_row' },
  {
    because: 'a record that is ahead of a claim',
    row: { state: 'claimed', hop: 1 },
    record: { hop: 2 },
    action: 'no_row',
  },
  { because: 'a record as old as the routed row', row: {}, record: { hop: 0 }, action: 'no_row' },
  { because: 'a row that is ahead', row: { state: 'retrying', hop: 3 }, record: { hop: 2 }, action: 'stale' },
  { because: 'a claim that is ahead', row: { state: 'claimed', hop: 3 }, record: { hop: 2 }, action: 'stale' },
  { because: 'a row waiting at this hop', row: { state: 'retrying', hop: 1 }, record: { hop: 1 }, action: 'next' },
  {
    because: 'the same claim, asked again',
    row: { state: 'claimed', hop: 1, leaseOwner: mine, leaseEndsInMs: 5 },
    record: { hop: 1 },
    action: 'claim',
    leaves: { ...claimed, hop: 1 },
  },
  {
    because: 'the same claim, asked again too late',
    row: { state: 'claimed', hop: 1, leaseOwner: mine, leaseEndsInMs: -5 },
    record: { hop: 1 },
    action: 'claim',
    leaves: { ...claimed, hop: 1, attempt: 0 },
  },
  {
    because: 'another’s lease is live',
    row: { state: 'claimed', hop: 1, leaseOwner: randomUUID(), leaseEndsInMs: minuteMs },
    record: { hop: 1 },
    action: 'put_back',
  },
  {
    because: 'another’s lease ended, and the policy is to send again',
    row: { state: 'claimed', hop: 1, leaseOwner: randomUUID(), leaseEndsInMs: -5, unknownPolicy: 'resend' },
    record: { hop: 1 },
    action: 'unknown',
    leaves: { state: 'retrying', hop: 1, attempt: 1, reason: 'ambiguous', ...unleased },
  },
  {
    because: 'another’s lease ended, and the policy is to hold',
    row: { state: 'claimed', hop: 1, leaseOwner: randomUUID(), leaseEndsInMs: -5, unknownPolicy: 'hold' },
    record: { hop: 1 },
    action: 'unknown',
    leaves: { state: 'unknown', hop: 1, attempt: 1, reason: 'ambiguous', ...unleased },
  },
]

const finals: ClaimCase[] = [
  ...deliveryStates.filter(isFinal).flatMap((state): ClaimCase[] => [
    { because: `${state} at the record’s hop`, row: { state, hop: 1 }, record: { hop: 1 }, action: 'republish' },
    { because: `${state} a hop behind`, row: { state, hop: 1 }, record: { hop: 2 }, action: 'republish' },
    { because: `${state} a hop ahead`, row: { state, hop: 2 }, record: { hop: 1 }, action: 'republish' },
  ]),
  {
    because: 'a redrive of what ran out of attempts',
    row: { state: 'failed', hop: 4, attempt: 5, reason: 'attempts_exhausted' },
    record: { hop: 5, redrive: true },
    action: 'claim',
    leaves: { ...claimed, hop: 5, attempt: 5 },
  },
  {
    because: 'a redrive that comes twice',
    row: { state: 'failed', hop: 4, reason: 'attempts_exhausted' },
    record: { hop: 4, redrive: true },
    action: 'republish',
  },
  {
    because: 'what ran out of attempts, without a redrive',
    row: { state: 'failed', hop: 4, reason: 'attempts_exhausted' },
    record: { hop: 5 },
    action: 'republish',
  },
  {
    because: 'a redrive of what failed for another reason',
    row: { state: 'failed', hop: 4, reason: 'unregistered' },
    record: { hop: 5, redrive: true },
    action: 'republish',
  },
]

const expired = { state: 'expired', hop: 1, reason: 'past_expiry', ...unleased } as const
const suppressed = { state: 'suppressed', hop: 1, reason: 'address_suppressed', ...unleased } as const
const optedOut = { state: 'suppressed', hop: 1, reason: 'opted_out', ...unleased } as const
const inQuietWindow = { quietFrom: Date.now() - minuteMs, quietUntil: Date.now() + hourMs }
const quiet = {
  state: 'retrying',
  hop: 1,
  reason: 'quiet_hours',
  next_due_at: new Date(inQuietWindow.quietUntil),
  ...unleased,
} as const

const permissions: ClaimCase[] = [
  {
    because: 'cancelled while an earlier hop was being sent',
    row: { state: 'retrying', hop: 1, cancelRequested: true },
    record: { hop: 2 },
    action: 'cancelled',
    leaves: { state: 'cancelled', hop: 2, reason: 'cancelled', ...unleased },
  },
  { because: 'past its expiry', row: { expiresInMs: -1 }, record: {}, action: 'expired', leaves: expired },
  {
    because: 'past its expiry, before every other no',
    row: { expiresInMs: -1 },
    record: { addressHash: suppressedEverywhere, userId: channelOff },
    action: 'expired',
    leaves: expired,
  },
  {
    because: 'an address suppressed for everything',
    row: {},
    record: { addressHash: suppressedEverywhere },
    action: 'suppressed',
    leaves: suppressed,
  },
  {
    because: 'an address suppressed for this category',
    row: {},
    record: { addressHash: suppressedInReceipts },
    action: 'suppressed',
    leaves: suppressed,
  },
  {
    because: 'an address suppressed for another category',
    row: {},
    record: { addressHash: suppressedInReceipts, category: 'offers' },
    action: 'claim',
  },
  {
    because: 'an address suppressed on another channel',
    row: {},
    record: { addressHash: suppressedInEmail },
    action: 'claim',
  },
  {
    because: 'a suppressed address, though the category is mandatory',
    row: {},
    record: { addressHash: suppressedEverywhere, category: 'security' },
    action: 'suppressed',
    leaves: suppressed,
  },
  {
    because: 'the channel switched off',
    row: {},
    record: { userId: channelOff },
    action: 'opted_out',
    leaves: optedOut,
  },
  {
    because: 'the channel switched off, though the category is on',
    row: {},
    record: { userId: channelOffCategoryOn },
    action: 'opted_out',
    leaves: optedOut,
  },
  { because: 'another channel switched off', row: {}, record: { userId: otherChannelOff }, action: 'claim' },
  {
    because: 'the channel switched off, but mandatory',
    row: {},
    record: { userId: channelOff, category: 'security' },
    action: 'claim',
  },
  {
    because: 'the category switched off',
    row: {},
    record: { userId: categoryOff },
    action: 'opted_out',
    leaves: optedOut,
  },
  {
    because: 'the category switched off, but mandatory',
    row: {},
    record: { userId: categoryOff, category: 'security' },
    action: 'claim',
  },
  {
    because: 'another category switched off',
    row: {},
    record: { userId: categoryOff, category: 'offers' },
    action: 'claim',
  },
  {
    because: 'a category that one must ask for, unasked',
    row: {},
    record: { userId: saidNothing, category: 'asked-only' },
    action: 'opted_out',
    leaves: optedOut,
  },
  {
    because: 'a category that one must ask for, asked',
    row: {},
    record: { userId: categoryOnAskedOnly, category: 'asked-only' },
    action: 'claim',
  },
  { because: 'a category without a row', row: {}, record: { userId: saidNothing, category: 'gone' }, action: 'claim' },
  { because: 'inside the quiet window', row: {}, record: inQuietWindow, action: 'quiet', leaves: quiet },
  {
    because: 'inside the quiet window, but opted out',
    row: {},
    record: { ...inQuietWindow, userId: channelOff },
    action: 'opted_out',
    leaves: optedOut,
  },
  {
    because: 'before the quiet window',
    row: {},
    record: { quietFrom: Date.now() + hourMs, quietUntil: Date.now() + 2 * hourMs },
    action: 'claim',
  },
  {
    because: 'after the quiet window',
    row: {},
    record: { quietFrom: Date.now() - hourMs, quietUntil: Date.now() - minuteMs },
    action: 'claim',
  },
]

export const claimCases: readonly ClaimCase[] = [...hops, ...finals, ...permissions]
