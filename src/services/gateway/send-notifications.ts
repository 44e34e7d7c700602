/**
 * Taking notifications in: each is looked at by itself, and what is right is published together, on the lanes of its
 * categories. Nothing is answered as accepted before Kafka has acknowledged all of it.
 */
import { channelsNotAllowed, maySendCategory } from '../../domain/app.ts'
import type { Category } from '../../domain/category.ts'
import type { NotificationRequested } from '../../domain/notification.ts'
import type { OutgoingRecord, RecordHeaders } from '../../domain/record.ts'
import type { FieldFault, Refusal } from '../../domain/refusal.ts'
import { faultOfRequest } from '../../domain/request-refusal.ts'
import { validateRequest } from '../../domain/request-validation.ts'
import type { TopicNames } from '../../domain/topic-names.ts'
import { fieldFaults, parsedWithExpectations } from '../../http/field-faults.ts'
import type { AuthenticatedApp } from './caller.ts'
import { momentText } from './field-schemas.ts'
import type { GivenIdentity, PreparedRequest, StoredAnswer } from './idempotency.ts'
import { notificationRequestSchema, type NotificationRequest, type SendAnswer } from './notification-schemas.ts'

export interface SendPorts {
  /** By name; those that do not exist are absent. */
  loadCategories(names: readonly string[]): Promise<ReadonlyMap<string, Category>>
  encode(event: NotificationRequested): Uint8Array
  /** Resolves once all are acknowledged. */
  publish(records: readonly OutgoingRecord[]): Promise<void>
  topics: Pick<TopicNames, 'requested'>
  /** A new event id, a UUIDv7 of the moment. */
  newId(unixMs: number): string
  /** Unix ms. */
  now(): number
  observe(observation: { outcome: 'accepted' | 'refused'; count: number }): void
}

export interface SendRequest {
  caller: AuthenticatedApp
  /** As they came. */
  items: readonly unknown[]
  /** Where each stands in the body, for the pointers of its faults: empty for one that is the body itself. */
  pathOf(index: number): (string | number)[]
  /** Passed on with every record: the trace. */
  headers: RecordHeaders
}

/** What is fit to be published, and what is told of the rest. */
export interface PreparedSend {
  records: OutgoingRecord[]
  answer: SendAnswer
}

type Judged =
  | { kind: 'accepted'; event: NotificationRequested; value: Uint8Array; category: Category }
  | { kind: 'refused'; permitted: boolean; faults: FieldFault[] }

/** @param identities of the first request under the same key, if there was one; one for each item. */
export async function prepareSend(
  { caller, items, pathOf, headers }: SendRequest,
  identities: readonly GivenIdentity[] | undefined,
  ports: SendPorts,
): Promise<PreparedRequest<PreparedSend>> {
  const parsed = items.map((item) => notificationRequestSchema.safeParse(item, parsedWithExpectations))
  const names = parsed.flatMap(({ data }) => (data === undefined ? [] : [data.category]))
  const categories = await ports.loadCategories([...new Set(names)])
  const nowMs = ports.now()
  const given = items.map((_, index) => {
    const own = parsed[index]?.data
    const first = identities?.[index]
    const createdAt = own?.createdAt ?? first?.createdAt ?? nowMs
    return {
      notificationId: own?.notificationId?.toLowerCase() ?? first?.notificationId ?? ports.newId(nowMs),
      createdAt,
    }
  })
  const judged = parsed.map((result, index): Judged => {
    const identity = given[index]
    if (!result.success || identity === undefined) {
      return {
        kind: 'refused',
        permitted: true,
        faults: result.success ? [] : fieldFaults(result.error, pathOf(index)),
      }
    }
    return judge({ request: result.data, identity, caller, categories, nowMs, path: pathOf(index) }, ports)
  })
  const prepared = gather(judged, headers, ports)
  if (prepared.records.length > 0) return { kind: 'ready', prepared, identities: given }
  ports.observe({ outcome: 'refused', count: items.length })
  return { kind: 'refused', refusal: refusalOf(judged) }
}

/** Publishes all of it, and answers once it is acknowledged. */
export async function publishPrepared({ records, answer }: PreparedSend, ports: SendPorts): Promise<StoredAnswer> {
  await ports.publish(records)
  ports.observe({ outcome: 'accepted', count: answer.accepted.length })
  if (answer.refused.length > 0) ports.observe({ outcome: 'refused', count: answer.refused.length })
  return { status: answer.refused.length === 0 ? 202 : 207, body: JSON.stringify(answer) }
}

interface Judgement {
  request: NotificationRequest
  identity: GivenIdentity
  caller: AuthenticatedApp
  categories: ReadonlyMap<string, Category>
  nowMs: number
  path: readonly (string | number)[]
}

function judge({ request, identity, caller, categories, nowMs, path }: Judgement, ports: SendPorts): Judged {
  const at = (field: string) => `/${[...path, ...(field === '' ? [] : [field])].join('/')}`
  const refused = ({ field, expected }: FieldFault, permitted = true): Judged => ({
    kind: 'refused',
    permitted,
    faults: [{ field: at(field), expected }],
  })
  const event = eventOf(request, identity, caller)
  const value = ports.encode(event)
  const verdict = validateRequest(event, value.length, nowMs)
  if (verdict.kind === 'refused') return refused(faultOfRequest(verdict))
  // Before whether it exists: an app is not told of categories that are none of its business.
  if (!maySendCategory(caller, request.category)) {
    return refused({ field: 'category', expected: 'a category that this app may send' }, false)
  }
  const category = categories.get(request.category)
  if (category === undefined) return refused(faultOfRequest({ reason: 'unknown_category', detail: null }))
  const forbidden = channelsNotAllowed(caller, verdict.channels ?? category.channels)
  if (forbidden.length > 0) {
    return refused(
      { field: 'channels', expected: `channels that this app may use: not ${forbidden.join(', ')}` },
      false,
    )
  }
  return { kind: 'accepted', event, value, category }
}

function eventOf(
  request: NotificationRequest,
  identity: GivenIdentity,
  caller: AuthenticatedApp,
): NotificationRequested {
  const { userId, category, template, locale, data, channels, sendAt, expiresAt, collapseKey } = request
  return {
    ...identity,
    source: caller.appKey,
    userId,
    category,
    template: template ?? null,
    locale: locale ?? null,
    data,
    channels: channels ?? null,
    sendAt: sendAt ?? null,
    expiresAt: expiresAt ?? null,
    collapseKey: collapseKey ?? null,
  }
}

function gather(judged: readonly Judged[], headers: RecordHeaders, { topics }: SendPorts): PreparedSend {
  const records: OutgoingRecord[] = []
  const answer: SendAnswer = { accepted: [], refused: [] }
  for (const [index, each] of judged.entries()) {
    if (each.kind === 'refused') {
      answer.refused.push({ index, faults: each.faults })
      continue
    }
    const { event, value, category } = each
    records.push({ topic: topics.requested(category.lane), key: String(event.userId), value, headers })
    const { notificationId, createdAt } = event
    answer.accepted.push({ index, notificationId, createdAt: momentText(createdAt) })
  }
  return { records, answer }
}

/** Of a request of which nothing is fit: forbidden if nothing else is wrong with it. */
function refusalOf(judged: readonly Judged[]): Refusal {
  const refused = judged.filter((each) => each.kind === 'refused')
  const faults = refused.flatMap((each) => each.faults)
  if (refused.some(({ permitted }) => permitted)) return { kind: 'invalid', faults }
  return { kind: 'forbidden', detail: faults.map(({ field, expected }) => `${field}: expected ${expected}`).join('; ') }
}
