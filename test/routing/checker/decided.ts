/**
 * Decided: every event ends, for every channel that it asks for and every address of the person there, in one decision
 * and not in two.
 */
import type { EventCase, Evidence } from './evidence.ts'
import type { Violation } from './report.ts'
import { addressesOf } from './settings.ts'
import { isEnd, requestChannelOf } from './words.ts'

export function findDecided({ cases, observations }: Evidence): Violation[] {
  return cases.flatMap((each) => {
    const isWaiting = each.waiting.some(({ deliveryId, dueAt }) => deliveryId === null && dueAt >= observations.endedAt)
    const broken = [...ofWhole(each), ...(isWaiting ? [] : withoutDecision(each)), ...ofChannels(each)]
    return [...broken, ...ofDeliveries(each, observations.endedAt)].map((rule) => ({ rule, subject: each.name }))
  })
}

function ofWhole({ statuses, rows }: EventCase): string[] {
  const broken: string[] = []
  const routed = statuses.ofWhole.filter(({ status }) => status === 'routed')
  const ended = new Set(statuses.ofWhole.filter(isEnd).map(({ status, reason }) => `${status} ${reason ?? ''}`))
  if (routed.length > 1) broken.push('routed more than once')
  if (routed.some(({ plannedDeliveries }) => plannedDeliveries !== rows.length)) {
    broken.push('planned other deliveries than there are')
  }
  if (routed.length === 0 && rows.length > 0) broken.push('deliveries without a routing')
  // A cancel takes back the deliveries that it still finds: it may follow a routing, and nothing else may.
  const takenBack = [...ended].every((end) => end.startsWith('cancelled'))
  if (ended.size > 1 || (routed.length > 0 && !takenBack)) broken.push('two decisions that exclude each other')
  return broken
}

/** What the whole event came to stands for all of its channels. */
function withoutDecision({ statuses, rows, channels, person }: EventCase): string[] {
  if (statuses.ofWhole.some(isEnd)) return []
  const isDecided = (channel: string) => {
    const told = statuses.ofChannels.filter(
      (status) => isEnd(status) && requestChannelOf(status.channel ?? '') === channel,
    )
    const reached = rows.filter((row) => requestChannelOf(row.channel) === channel).map(({ address }) => address)
    const addresses = person === undefined ? [] : addressesOf(person, channel).map(({ address }) => address)
    const left = addresses.filter((address) => !reached.includes(address))
    if (addresses.length > 0 && left.length === 0) return true
    const ownWord = told.filter(({ deliveryId }) => !rows.some((row) => row.deliveryId === deliveryId))
    return ownWord.length > 0
  }
  return channels.length > 0 && channels.every(isDecided) ? [] : ['no decision']
}

/** One word for each channel; besides deliveries only that some of the addresses there are suppressed. */
function ofChannels({ statuses, rows, channels }: EventCase): string[] {
  return channels.flatMap((channel) => {
    const words = statuses.ofChannels.filter(
      ({ deliveryId, channel: of }) => deliveryId === null && requestChannelOf(of ?? '') === channel,
    )
    const ended = new Set(words.filter(isEnd).map(({ status, reason }) => `${status} ${reason ?? ''}`))
    const isReached = rows.some((row) => requestChannelOf(row.channel) === channel)
    const isPartial = ended.size === 1 && ended.has('suppressed address_suppressed')
    if (ended.size > 1) return ['two decisions that exclude each other']
    return isReached && ended.size > 0 && !isPartial ? ['two decisions that exclude each other'] : []
  })
}

function ofDeliveries({ rows, statuses, waiting, calls }: EventCase, endedAt: number): string[] {
  return rows.flatMap(({ deliveryId }) => {
    const ended = new Set(
      statuses
        .ofDelivery(deliveryId)
        .filter(isEnd)
        .map(({ status }) => status),
    )
    if (ended.size > 1) return ['a delivery with two ends']
    const isWaiting = waiting.some((each) => each.deliveryId === deliveryId && each.dueAt >= endedAt)
    if (ended.size === 0) return isWaiting ? [] : ['a delivery without an end']
    const isTaken = calls.some((call) => call.deliveryId === deliveryId && call.isAccepted)
    return isTaken === ended.has('sent') ? [] : ['an end that the ledger contradicts']
  })
}
