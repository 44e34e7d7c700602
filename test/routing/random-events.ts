/**
 * What producers publish at random over a day and a half: events for now and for later, in bursts, wrong ones, copies
 * and conflicts, cancels before, during and after; on either topic.
 *
 * A copy or a cancel never comes at the very moment of its event, where nobody could say which was first.
 */
import type { Category, Person, PublishedCancel, PublishedRequest, Template } from './checker/observations.ts'
import type { Choices } from './random-choices.ts'
import { lanes, variables } from './random-rules.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

type Unplaced<Record_> = Omit<Record_, 'sequence' | 'topic' | 'partition' | 'offset'> & { lane: (typeof lanes)[number] }
export type Publication =
  | ({ kind: 'request' } & Unplaced<PublishedRequest>)
  | ({ kind: 'cancel'; userId: number } & Unplaced<PublishedCancel>)
type Request = Extract<Publication, { kind: 'request' }>

interface Given {
  people: readonly Person[]
  categories: readonly Category[]
  templates: readonly Template[]
  from: number
}

/** When producers publish: few moments, so that chunks are full and people compete. */
const momentsCount = 90
const momentEveryMs = 20 * minuteMs

export function randomPublications(choices: Choices, given: Given): Publication[] {
  return given.people
    .flatMap((person) => eventsFor(choices, person, given))
    .flatMap((event) => [event, ...whatFollows(choices, event, given)])
    .toSorted((one, other) => one.publishedAt - other.publishedAt)
}

function eventsFor(choices: Choices, person: Person, given: Given): Request[] {
  if (choices.chance(0.07)) return burstFor(choices, person, given)
  return Array.from({ length: choices.integer(1, 2) }, () =>
    randomEvent(choices, { person, at: momentOf(choices, given), category: choices.pick(given.categories) }, given),
  )
}

/** Many of one category within minutes: what caps are there for. */
function burstFor(choices: Choices, person: Person, given: Given): Request[] {
  const at = momentOf(choices, given)
  const category = choices.pick(oftenCapped(choices, given.categories))
  return Array.from({ length: choices.integer(5, 15) }, () =>
    randomEvent(choices, { person, at: at + choices.integer(0, 2) * momentEveryMs, category }, given),
  )
}

function oftenCapped(choices: Choices, categories: readonly Category[]): readonly Category[] {
  const capped = categories.filter(({ caps }) => caps.length > 0)
  return capped.length > 0 && choices.chance(0.6) ? capped : categories
}

function momentOf(choices: Choices, { from }: Given): number {
  return from + hourMs + choices.integer(0, momentsCount) * momentEveryMs
}

function randomEvent(
  choices: Choices,
  { person, at, category }: { person: Person; at: number; category: Category },
  { templates, people }: Given,
): Request {
  const createdAt = at - choices.pick([0, 1_000, 30_000, 119_000, 121_000, 5 * minuteMs, -30 * minuteMs])
  const rarely = <Value>(value: Value, usual: Value) => (choices.chance(0.01) ? value : usual)
  const sendAt = choices.chance(0.12) ? at + choices.integer(0, 20 * 6) * 10 * minuteMs : null
  const expiresAt = choices.chance(0.15) ? Math.max(sendAt ?? at, createdAt) + choices.integer(1, 600) * minuteMs : null
  return {
    kind: 'request',
    lane: choices.chance(0.85) && isLane(category.lane) ? category.lane : choices.pick(lanes),
    publishedAt: at,
    notificationId: rarely(`not ${choices.uuid()}`, choices.uuid()),
    source: choices.pick(['shop', 'bank']),
    userId: choices.chance(0.02) ? (people.at(-1)?.userId ?? 0) + choices.integer(1, 50) : person.userId,
    category: rarely('nonsense', category.name),
    template: choices.chance(0.85) ? null : rarely('nonsense', choices.pick(templates).templateId),
    locale: choices.chance(0.25) ? choices.pick(['ko-KR', 'de', 'DE-at', 'zh-Hant-HK', 'xx', 'not a locale']) : null,
    data: Object.fromEntries(choices.some(variables, 0.95).map((name) => [name, 'x'])),
    channels: choices.chance(0.7) ? null : rarely(['pigeon'], choices.some(['push', 'sms', 'email'], 0.6)),
    sendAt: rarely(createdAt + 22 * dayMs, sendAt),
    expiresAt: rarely(createdAt - 1, rarely(sendAt === null ? null : sendAt - 1, expiresAt)),
    collapseKey: null,
    createdAt: rarely(at - 7 * dayMs - 1, rarely(at + 2 * hourMs, createdAt)),
  }
}

function isLane(lane: string): lane is (typeof lanes)[number] {
  return lanes.some((each) => each === lane)
}

function whatFollows(choices: Choices, event: Request, given: Given): Publication[] {
  if (!isOnRecord(event)) return []
  const following: Publication[] = []
  if (choices.chance(0.08)) following.push({ ...event, ...laterThan(choices, event) })
  if (choices.chance(0.04)) following.push({ ...event, ...laterThan(choices, event), ...otherContent(choices, event) })
  if (choices.chance(0.1)) following.push(cancelOf(choices, event, given))
  return following
}

/** What has no identity or no day is refused each time that it comes, and never known. */
function isOnRecord({ notificationId, createdAt, publishedAt }: Request): boolean {
  return (
    !notificationId.startsWith('not') && Math.abs(publishedAt - createdAt) < dayMs && createdAt <= publishedAt + hourMs
  )
}

function laterThan(choices: Choices, { publishedAt }: Request): Pick<Request, 'publishedAt' | 'lane'> {
  return { publishedAt: publishedAt + choices.integer(1, 12) * momentEveryMs + minuteMs, lane: choices.pick(lanes) }
}

/** Another text, or another createdAt, at most a UTC day away. */
function otherContent(choices: Choices, { createdAt, data }: Request): Partial<Request> {
  return choices.chance(0.5)
    ? { data: { ...data, more: 'y' } }
    : { createdAt: createdAt - choices.integer(1, 20) * hourMs }
}

/** Some come first; some name a day on which nothing was. */
function cancelOf(choices: Choices, event: Request, { from }: Given): Publication {
  const { notificationId, source, userId, createdAt, publishedAt } = event
  const away = choices.integer(-3, 30) * momentEveryMs + minuteMs
  return {
    kind: 'cancel',
    lane: choices.pick(lanes),
    // A cancel of what lies more than an hour ahead is refused as its event would be.
    publishedAt: Math.max(from + minuteMs, createdAt - hourMs + 11 * minuteMs, publishedAt + away),
    notificationId,
    source: choices.chance(0.9) ? source : 'other',
    userId,
    createdAt: choices.chance(0.9) ? createdAt : createdAt - dayMs,
  }
}
