/**
 * Whether each kind of trouble came to what it has to: state and reason, number of calls, attempts, rung and wait.
 */
import { retryRungs } from '../../../src/domain/topic-names.ts'
import type { Story } from './delivery-stories.ts'
import { expectedOf, type Told, type TroubleKind } from './provider-trouble-kinds.ts'

/** The calls that came while a kind was in force, by their numbers in the ledger: after the first, up to the last. */
export type Window = readonly [after: number, upTo: number]

/** So many of a kind at least, or the row shows nothing of it. */
const metMin = 5

export interface RunOfKind {
  window: Window
  stories: readonly Story[]
  /** How long the sender waits for an answer. */
  timeoutMs: number
}

export function judgeKind(kind: TroubleKind, { window, stories, timeoutMs }: RunOfKind): string[] {
  const [after, upTo] = window
  const complaints: string[] = []
  const counts = { deliveries: 0, again: 0, held: 0 }
  for (const story of stories) {
    if (story.channel !== 'sms' || !story.address.endsWith(kind.digit)) continue
    const met = story.calls.filter(({ sequence }) => sequence > after && sequence <= upTo).length
    if (met > 0) counts.deliveries += 1
    if (met > 1) counts.again += 1
    if (met > 0 && story.unknownPolicy === 'hold') counts.held += 1
    complaints.push(...differences(kind, story, expectedOf(kind.follows, met, story.unknownPolicy)))
    complaints.push(...wrongWaits(kind, story, met, timeoutMs))
  }
  say(`${kind.name}: met by ${counts.deliveries} deliveries, ${counts.again} of them more than once`)
  if (counts.deliveries < metMin) complaints.push(`only ${counts.deliveries} deliveries met ${kind.name}`)
  const isAmbiguous = kind.follows.kind === 'again' && kind.follows.status === 'unknown'
  if (isAmbiguous && counts.held === 0) complaints.push(`nothing that met ${kind.name} had to be held`)
  const isLastingRefusal = kind.follows.kind === 'again' && kind.lastsMs === null
  if (isLastingRefusal && counts.again === 0) complaints.push(`no delivery met ${kind.name} a second time`)
  return inShort(complaints)
}

/** No trouble of their own: one call, one attempt, sent. */
export function judgeUntroubled(stories: readonly Story[]): string[] {
  const untroubled = stories.filter(({ channel, address }) => channel !== 'sms' || address.endsWith('0'))
  return inShort(
    untroubled.flatMap((story) =>
      differences({ name: `no trouble (${story.channel})` }, story, expectedOf({ kind: 'nothing' }, 0, 'resend')),
    ),
  )
}

function differences({ name }: Pick<TroubleKind, 'name'>, story: Story, expected: Told): string[] {
  const { deliveryId, state, reason, hop, attempt, calls, statuses, rungs } = story
  const told: Told = {
    row: `${state}${reason === null ? '' : `/${reason}`}, hop ${hop}, attempt ${attempt}`,
    calls: calls.map(({ verdict }) => verdict),
    statuses,
    rungs,
  }
  const [is, shouldBe] = [JSON.stringify(told), JSON.stringify(expected)]
  return is === shouldBe ? [] : [`${name}: ${deliveryId} came to ${is} and not to ${shouldBe}`]
}

/** Late by the rung's jitter, the second that the retry role may take, and what two busy cores add. */
const jitterShare = 0.1
const retryRoleMs = 1_000
const busyMs = 2_000
/** A call's time runs before the provider has read it: a connection has to be made. */
const connectMs = 500

function wrongWaits({ name, follows }: TroubleKind, story: Story, met: number, timeoutMs: number): string[] {
  if (follows.kind !== 'again') return []
  const { calls, deliveryId } = story
  const rungMs = retryRungs.find((rung) => rung.name === follows.rung)?.delayMs ?? Infinity
  const isSilent = follows.silent === true
  const leastMs = rungMs + (isSilent ? timeoutMs - connectMs : 0)
  const mostMs = rungMs * (1 + jitterShare) + (isSilent ? timeoutMs : 0) + retryRoleMs + busyMs
  return calls.slice(1, met + 1).flatMap((call, at) => {
    const waitedMs = call.receivedAtMs - (calls[at]?.receivedAtMs ?? 0)
    if (waitedMs >= leastMs && waitedMs <= mostMs) return []
    return [`${name}: ${deliveryId} was called again after ${waitedMs} ms, not ${leastMs} to ${mostMs}`]
  })
}

/** The first few: a broken rule breaks for hundreds. */
function inShort(complaints: readonly string[]): string[] {
  const shown = complaints.slice(0, 3)
  return complaints.length > shown.length ? [...shown, `… and ${complaints.length - shown.length} more`] : shown
}

function say(line: string): void {
  process.stdout.write(`        ${line}\n`)
}
