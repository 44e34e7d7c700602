/**
 * The observations with the indexes that every question needs, built once.
 */
import type {
  DeadLetter,
  DeliveryRow,
  Observations,
  ProviderCall,
  RequestedEvent,
  StatusRecord,
  Coordinates,
} from './observations.ts'
import { nameOf } from './words.ts'

type NonEmpty<Item> = readonly [Item, ...Item[]]

export interface Evidence extends Omit<Observations, 'statuses'> {
  /** By event; its copies in no particular order. */
  requestsOf: ReadonlyMap<string, NonEmpty<RequestedEvent>>
  statuses: {
    /** With all copies of each. */
    byId: ReadonlyMap<string, NonEmpty<StatusRecord>>
    /** Each once, by event: those about the whole notification or one of its channels. */
    ofNotification(name: string): readonly StatusRecord[]
    /** Each once. */
    ofDelivery(deliveryId: string): readonly StatusRecord[]
    deliveryIds(): Iterable<string>
  }
  rowOf: ReadonlyMap<string, DeliveryRow>
  rowsOf(name: string): readonly DeliveryRow[]
  callsOf(deliveryId: string): readonly ProviderCall[]
  /** The dead letters of a source record. */
  deadLettersOf(record: Coordinates): readonly DeadLetter[]
}

export function index(observations: Observations): Evidence {
  const { statuses, deliveries, calls, deadLetters, requests } = observations
  const byId = groupBy(statuses, ({ statusId }) => statusId)
  const distinct = [...byId.values()].map(([first]) => first)
  const ofNotification = groupBy(
    distinct.filter(({ deliveryId }) => deliveryId === null),
    nameOf,
  )
  const ofDelivery = groupBy(
    distinct.filter(({ deliveryId }) => deliveryId !== null),
    ({ deliveryId }) => deliveryId ?? '',
  )
  const rows = groupBy(deliveries, nameOf)
  const callsByDelivery = groupBy(calls, ({ deliveryId }) => deliveryId?.toLowerCase() ?? '')
  const lettersBySource = groupBy(deadLetters, ({ original }) => (original === null ? '' : placeOf(original)))
  return {
    ...observations,
    requestsOf: groupBy(requests, nameOf),
    statuses: {
      byId,
      ofNotification: (name) => ofNotification.get(name) ?? [],
      ofDelivery: (deliveryId) => ofDelivery.get(deliveryId) ?? [],
      deliveryIds: () => ofDelivery.keys(),
    },
    rowOf: new Map(deliveries.map((row) => [row.deliveryId, row])),
    rowsOf: (name) => rows.get(name) ?? [],
    callsOf: (deliveryId) => callsByDelivery.get(deliveryId) ?? [],
    deadLettersOf: (record) => lettersBySource.get(placeOf(record)) ?? [],
  }
}

export function placeOf({ topic, partition, offset }: Coordinates): string {
  return `${topic}[${partition}]@${offset}`
}

/** The name that no other call has: the provider's own id of the message. */
export function messageNameOf(message: { provider: string | null; providerMessageId: string | null }): string {
  return `${message.provider ?? '?'} ${message.providerMessageId ?? '?'}`
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, NonEmpty<Item>> {
  // Map.groupBy makes no empty group; its type does not say so.
  return Map.groupBy(items, keyOf) as unknown as Map<string, NonEmpty<Item>>
}
