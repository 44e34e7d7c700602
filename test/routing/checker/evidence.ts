/**
 * The observations told event by event, with everything that belongs to each: built once, asked by every rule.
 */
import type {
  Category,
  DeliveryRow,
  Observations,
  Person,
  ProviderCall,
  PublishedCancel,
  PublishedRequest,
  StatusRecord,
  Template,
  Waiting,
} from './observations.ts'
import { zonesOf } from './wall-clock.ts'
import type { Hours } from './hours.ts'
import { nameOf, utcDayOf } from './words.ts'

export interface EventCase {
  name: string
  /** The copy that comes first: the one that counts. */
  event: PublishedRequest
  laterCopies: readonly PublishedRequest[]
  /** Those that name the event's day. */
  cancels: readonly PublishedCancel[]
  /** Those that name another: what has come by then they do not cancel. */
  cancelsOfOtherDays: readonly PublishedCancel[]
  person: Person | undefined
  category: Category | undefined
  template: Template | undefined
  /** Undefined where either is unknown. */
  hours: Hours | undefined
  /** The channels that it is for; words that are no channels included. */
  channels: readonly string[]
  /** After this moment nothing may be sent. Undefined where the category is unknown. */
  expiresAt: number | undefined
  statuses: {
    ofWhole: readonly StatusRecord[]
    /** About a channel before it became deliveries, or about deliveries. */
    ofChannels: readonly StatusRecord[]
    ofDelivery(deliveryId: string): readonly StatusRecord[]
  }
  rows: readonly DeliveryRow[]
  /** In the order of their times. */
  calls: readonly ProviderCall[]
  waiting: readonly Waiting[]
}

export interface Evidence {
  cases: readonly EventCase[]
  /** Of what nobody asked for. */
  strangers: { rows: readonly DeliveryRow[]; calls: readonly ProviderCall[]; statuses: readonly StatusRecord[] }
  observations: Observations
}

export function index(observations: Observations): Evidence {
  const requests = Map.groupBy(
    observations.requests.toSorted((one, other) => one.sequence - other.sequence),
    nameOf,
  )
  const lists = {
    cancels: Map.groupBy(observations.cancels, nameOf),
    statuses: Map.groupBy(distinct(observations.statuses), nameOf),
    rows: Map.groupBy(observations.deliveries, nameOf),
    waiting: Map.groupBy(observations.waiting, nameOf),
    calls: Map.groupBy(
      observations.calls.toSorted((one, other) => one.at - other.at),
      ({ deliveryId }) => deliveryId,
    ),
  }
  const routed = new Set(observations.deliveries.map(({ deliveryId }) => deliveryId))
  return {
    cases: [...requests].map(([name, copies]) => caseOf(name, copies, lists, lookUpsIn(observations))),
    strangers: {
      rows: observations.deliveries.filter((row) => !requests.has(nameOf(row))),
      calls: observations.calls.filter(({ deliveryId }) => !routed.has(deliveryId)),
      // A cancel that nothing ever followed is answered all the same.
      statuses: observations.statuses.filter((status) => {
        const name = nameOf(status)
        return !requests.has(name) && !lists.cancels.has(name)
      }),
    },
    observations,
  }
}

/**
 * The first of each status id, by time: repeats carry the time of their repetition. What is told of a cancel of another
 * day and of the event that it meets has one id, and is about two.
 */
function distinct(statuses: readonly StatusRecord[]): StatusRecord[] {
  const first = new Map<string, StatusRecord>()
  for (const status of statuses.toSorted((one, other) => one.occurredAt - other.occurredAt)) {
    const key = `${status.statusId} ${status.createdAt}`
    if (!first.has(key)) first.set(key, status)
  }
  return [...first.values()]
}

interface Lists {
  cancels: ReadonlyMap<string, readonly PublishedCancel[]>
  statuses: ReadonlyMap<string, readonly StatusRecord[]>
  rows: ReadonlyMap<string, readonly DeliveryRow[]>
  waiting: ReadonlyMap<string, readonly Waiting[]>
  calls: ReadonlyMap<string, readonly ProviderCall[]>
}

interface LookUps {
  people: ReadonlyMap<number, Person>
  categories: ReadonlyMap<string, Category>
  templates: ReadonlyMap<string, Template>
  defaultZone: string
}

const lookUps = new WeakMap<Observations, LookUps>()

function lookUpsIn(observations: Observations): LookUps {
  let found = lookUps.get(observations)
  if (found === undefined) {
    found = {
      people: new Map(observations.people.map((person) => [person.userId, person])),
      categories: new Map(observations.categories.map((category) => [category.name, category])),
      templates: new Map(observations.templates.map((template) => [template.templateId, template])),
      defaultZone: observations.defaultZone,
    }
    lookUps.set(observations, found)
  }
  return found
}

function caseOf(
  name: string,
  copies: readonly PublishedRequest[],
  lists: Lists,
  { people, categories, templates, defaultZone }: LookUps,
): EventCase {
  const [event, ...laterCopies] = copies as readonly [PublishedRequest, ...PublishedRequest[]]
  const category = categories.get(event.category)
  const person = people.get(event.userId)
  const day = utcDayOf(event.createdAt)
  const cancels = lists.cancels.get(name) ?? []
  // The answer to a cancel that names another day is about nothing that was asked for.
  const said = (lists.statuses.get(name) ?? []).filter(
    ({ status, createdAt }) => status !== 'cancelled' || utcDayOf(createdAt) === day,
  )
  const rows = lists.rows.get(name) ?? []
  return {
    name,
    event,
    laterCopies,
    cancels: cancels.filter(({ createdAt }) => utcDayOf(createdAt) === day),
    cancelsOfOtherDays: cancels.filter(({ createdAt }) => utcDayOf(createdAt) !== day),
    person,
    hours: person && category && { person, category, zones: zonesOf(person, defaultZone) },
    category,
    template: templates.get(event.template ?? category?.template ?? ''),
    channels: [...new Set(event.channels?.length ? event.channels : (category?.channels ?? []))],
    expiresAt: category === undefined ? undefined : expiryOf(event, category),
    statuses: {
      ofWhole: said.filter(({ deliveryId, channel }) => deliveryId === null && channel === null),
      ofChannels: said.filter(({ channel }) => channel !== null),
      ofDelivery: (deliveryId) => said.filter((status) => status.deliveryId === deliveryId),
    },
    rows,
    calls: rows
      .flatMap(({ deliveryId }) => lists.calls.get(deliveryId) ?? [])
      .toSorted((one, other) => one.at - other.at),
    waiting: lists.waiting.get(name) ?? [],
  }
}

/** The category's time to live runs from the moment at which it may be sent, and bounds what the event asks for. */
function expiryOf({ createdAt, sendAt, expiresAt }: PublishedRequest, { timeToLiveMs }: Category): number {
  const latest = Math.max(createdAt, sendAt ?? createdAt) + timeToLiveMs
  return Math.min(latest, expiresAt ?? latest)
}
