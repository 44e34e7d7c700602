/**
 * Told: whoever published is told of a bad request, an unknown person, a missing variable, and of every copy that is
 * not sent again.
 */
import type { EventCase, Evidence } from './evidence.ts'
import { defectsOf, isKnown, missingByChannel, signUpMs } from './refusals.ts'
import type { Coordinates, PublishedRequest } from './observations.ts'
import type { Violation } from './report.ts'
import { addressesOf, isOptedIn, isSuppressed } from './settings.ts'
import { utcDayOf } from './words.ts'

export function findTold(evidence: Evidence): Violation[] {
  return evidence.cases.flatMap((each) =>
    [...ofRefusal(each), ...ofUnknown(each), ...ofMissing(each, evidence), ...ofCancel(each), ...ofCopies(each)].map(
      (rule) => ({ rule, subject: each.name }),
    ),
  )
}

/** A cancel that came first has answered already. */
function isCancelledFirst({ event, cancels }: EventCase): boolean {
  return cancels.some(({ sequence }) => sequence < event.sequence)
}

function failures({ statuses }: EventCase): (string | null)[] {
  return [...statuses.ofWhole, ...statuses.ofChannels].flatMap(({ status, reason }) =>
    status === 'failed' ? [reason] : [],
  )
}

function isCancelled({ statuses }: EventCase): boolean {
  return statuses.ofWhole.some(({ status }) => status === 'cancelled')
}

/** Whether the reason is one that holds is another question. */
function ofRefusal(each: EventCase): string[] {
  const { template, statuses } = each
  const defects = defectsOf(each)
  // A template that has nothing for any of the channels may be told of each of them.
  const isOfChannels = template !== undefined && defects.every((reason) => reason === 'unknown_template')
  if (defects.length === 0 || isOfChannels || isCancelledFirst(each) || isCancelled(each)) return []
  const isOver = statuses.ofWhole.some(({ status }) => status === 'failed' || status === 'expired')
  return isOver ? [] : ['a bad request that was not refused']
}

/** Whoever may still be signing up is waited for; who has not come by then was not there. */
function ofUnknown(each: EventCase): string[] {
  const { event, statuses, expiresAt } = each
  const givenUpAt = Math.max(event.createdAt + signUpMs, event.publishedAt, event.sendAt ?? 0)
  // Whether somebody who comes at the last moment is still found is nobody's promise.
  if (isKnown(each, givenUpAt + signUpMs) || defectsOf(each).length > 0) return []
  if (isCancelledFirst(each) || isCancelled(each)) return []
  const isOver = statuses.ofWhole.some(({ status }) => status === 'expired') && (expiresAt ?? 0) <= givenUpAt
  const broken: string[] = []
  if (!failures(each).includes('unknown_user') && !isOver) broken.push('somebody unknown, and nobody was told')
  const isYoung = event.publishedAt < event.createdAt + signUpMs && (expiresAt ?? Infinity) > givenUpAt
  // Whoever was to be written to later was looked for later.
  const hasWaited = statuses.ofWhole.some(({ status }) => status === 'deferred')
  if (isYoung && !hasWaited && !isOver) broken.push('somebody unknown who was not waited for')
  return broken
}

/** On a channel on which the person would have been reached. */
function ofMissing(each: EventCase, { observations }: Evidence): string[] {
  const { person, category, statuses } = each
  if (person === undefined || category === undefined || defectsOf(each).length > 0) return []
  const wouldBeReached = (channel: string) =>
    isOptedIn(person, category, channel) &&
    addressesOf(person, channel).some(
      ({ address }) => !isSuppressed(observations.suppressions, { category: category.name, channel, address }),
    )
  const missing = [...missingByChannel(each)].filter(([channel]) => wouldBeReached(channel))
  if (missing.length === 0 || isCancelled(each)) return []
  const isOver = statuses.ofWhole.some(({ status }) => status === 'expired' || status === 'failed')
  return isOver || failures(each).includes('missing_variable') ? [] : ['a missing variable, and nobody was told']
}

/** A cancel that comes before anything was decided for good ends the event. */
function ofCancel(each: EventCase): string[] {
  return isCancelledFirst(each) && !isCancelled(each) ? ['cancelled before it came, and not told so'] : []
}

/** Copies within a day of each other are one event; the same bytes were repeated, others are in conflict. */
function ofCopies(each: EventCase): string[] {
  const { event, statuses } = each
  const laterCopies = each.laterCopies.filter((copy) => !isCancelledOnItsDay(copy, each))
  const told = statuses.ofWhole.filter(({ status }) => status === 'duplicate')
  const reasons = new Set(told.map(({ reason }) => reason))
  const broken: string[] = []
  if (each.laterCopies.length === 0 && told.length > 0) broken.push('a duplicate of itself')
  if (isCancelledFirst(each) || isCancelled(each)) return broken
  const alike = laterCopies.filter((copy) => contentsOf(copy) === contentsOf(event))
  if (alike.length > 0 && !reasons.has('repeated_id')) broken.push('a copy that was not told as a duplicate')
  if (laterCopies.length > alike.length && alike.length === 0 && reasons.has('repeated_id'))
    broken.push('other content told as a mere copy')
  if (alike.length < laterCopies.length && !reasons.has('conflict')) broken.push('a conflict that was not told')
  if (alike.length > 0 && alike.length === laterCopies.length && reasons.has('conflict'))
    broken.push('a copy told as a conflict')
  if (told.some(({ original }) => !isOriginal(original, each)))
    broken.push('a duplicate of another record than the first')
  return broken
}

/** A copy with another createdAt may meet the cancel that named its day by mistake: then it is told of that. */
function isCancelledOnItsDay(copy: PublishedRequest, { cancelsOfOtherDays }: EventCase): boolean {
  return cancelsOfOtherDays.some(
    ({ createdAt, sequence }) => utcDayOf(createdAt) === utcDayOf(copy.createdAt) && sequence < copy.sequence,
  )
}

/** What waited came again by the scheduler: the record that was decided in the end is as good as the first. */
function isOriginal(original: Coordinates | null, { event, laterCopies, statuses }: EventCase): boolean {
  if (original === null || placeOf(original) === placeOf(event)) return true
  const hasWaited = statuses.ofWhole.some(({ status }) => status === 'deferred')
  return hasWaited && !laterCopies.some((copy) => placeOf(copy) === placeOf(original))
}

function placeOf({ topic, partition, offset }: Pick<PublishedRequest, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}[${partition}]@${offset}`
}

/** Whatever a producer writes; where it lies and when it came is no content. */
function contentsOf(copy: PublishedRequest): string {
  const { userId, category, template, locale, data, channels, sendAt, expiresAt, collapseKey, createdAt } = copy
  const sorted = Object.entries(data).toSorted(([one], [other]) => (one < other ? -1 : 1))
  return JSON.stringify([
    userId,
    category,
    template,
    locale,
    sorted,
    channels,
    sendAt,
    expiresAt,
    collapseKey,
    createdAt,
  ])
}
