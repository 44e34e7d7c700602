/**
 * Why somebody was not told, or not yet: every reason has to hold at the moment at which it was given, and a mandatory
 * notification is not withheld for anything that it ignores.
 */
import { mayBeOverCap } from './capped.ts'
import type { EventCase, Evidence } from './evidence.ts'
import { firstLoudMoment, isQuiet } from './hours.ts'
import type { Category, StatusRecord } from './observations.ts'
import { defectsOf, isKnown, missingByChannel, signUpMs } from './refusals.ts'
import type { Violation } from './report.ts'
import { addressesOf, isOptedIn, isSuppressed } from './settings.ts'
import { requestChannelOf } from './words.ts'

const ignoredByMandatory: ReadonlySet<string> = new Set(['opted_out', 'capped', 'over_cap', 'quiet_hours'])

export function findWithheld(evidence: Evidence): Violation[] {
  return evidence.cases.flatMap((each) =>
    [...each.statuses.ofWhole, ...each.statuses.ofChannels].flatMap((status) => {
      const subject = `${each.name} ${status.channel ?? 'whole'} ${status.status}/${status.reason ?? 'none'}`
      if (each.category?.isMandatory === true && ignoredByMandatory.has(status.reason ?? '')) {
        return [{ rule: 'a mandatory one withheld', subject }]
      }
      return holds(status, each, evidence) ? [] : [{ rule: 'a reason that does not hold', subject }]
    }),
  )
}

function holds(status: StatusRecord, each: EventCase, evidence: Evidence): boolean {
  switch (status.status) {
    case 'suppressed':
      return isSuppressionRight(status, each, evidence)
    case 'deferred':
      return isDeferralRight(status, each, evidence)
    case 'expired':
      return isExpiryRight(status, each)
    case 'cancelled':
      return [...each.cancels, ...each.cancelsOfOtherDays.filter(isBefore(each))].length > 0
    case 'failed':
      // What a provider refused is the sender's to answer for.
      return status.deliveryId !== null || isFailureRight(status, each)
    default:
      return true
  }
}

function isBefore({ event }: EventCase): (cancel: { sequence: number }) => boolean {
  return ({ sequence }) => sequence < event.sequence
}

function isSuppressionRight(status: StatusRecord, each: EventCase, evidence: Evidence): boolean {
  const { person, category, template } = each
  if (person === undefined || category === undefined) return false
  const channels = status.channel === null ? each.channels : [requestChannelOf(status.channel)]
  return channels.every((channel) => {
    const addresses = addressesOf(person, channel)
    switch (status.reason ?? '') {
      case 'no_address':
        return addresses.length === 0
      case 'no_template':
        return template?.contents.every((content) => content.channel !== channel) ?? false
      case 'opted_out':
        return !isOptedIn(person, category, channel)
      case 'address_suppressed':
        return addresses.some(({ address }) =>
          isSuppressed(evidence.observations.suppressions, { category: category.name, channel, address }),
        )
      case 'capped':
        return (
          isForbidden(category, evidence) ||
          (category.overCap === 'drop' && mayBeOverCap(each, status.occurredAt, evidence))
        )
      default:
        return false
    }
  })
}

/** Under a cap of nothing there will never be a place to wait for. */
function isForbidden({ caps }: Category, { observations }: Evidence): boolean {
  return [...caps, ...observations.capsOverAll].some(({ limit }) => limit === 0)
}

function isDeferralRight({ reason, occurredAt }: StatusRecord, each: EventCase, evidence: Evidence): boolean {
  const { event, category, hours } = each
  switch (reason ?? '') {
    case 'send_at':
      return event.sendAt !== null && event.sendAt > occurredAt
    case 'user_pending':
      return !isKnown(each, occurredAt) && occurredAt < event.createdAt + signUpMs
    case 'quiet_hours':
      return hours !== undefined && isQuiet(hours, occurredAt)
    case 'over_cap':
      return category?.overCap === 'defer' && mayBeOverCap(each, occurredAt, evidence)
    default:
      return false
  }
}

/** Too late, or nothing but quiet until it would be; where places are waited for, there may be none before. */
function isExpiryRight({ occurredAt }: StatusRecord, each: EventCase): boolean {
  const { event, category, hours, expiresAt } = each
  if (expiresAt === undefined) return false
  if (occurredAt >= expiresAt) return true
  if (hours === undefined || category === undefined) return false
  const mayWaitForPlace = category.overCap === 'defer' && !category.isMandatory
  if (mayWaitForPlace && each.statuses.ofWhole.some(({ reason }) => reason === 'over_cap')) return true
  const from = Math.max(occurredAt, event.sendAt ?? occurredAt)
  return firstLoudMoment(hours, { from, until: expiresAt - 1 }) === undefined
}

function isFailureRight({ reason, detail, channel, occurredAt }: StatusRecord, each: EventCase): boolean {
  if (reason === 'unknown_user') {
    const { event, expiresAt } = each
    // Who would not be found before the event is over need not be waited for.
    const waitsUntil = Math.min(event.createdAt + signUpMs, expiresAt ?? Infinity)
    return !isKnown(each, occurredAt) && (occurredAt >= waitsUntil || waitsUntil === expiresAt)
  }
  if (reason === 'missing_variable') {
    const missing = [...missingByChannel(each)].filter(([of]) => channel === null || of === requestChannelOf(channel))
    return missing.some(([, names]) => names.includes(detail ?? ''))
  }
  return defectsOf(each).includes(reason ?? '')
}
