/**
 * Stage 2, look up: what the log already knows about the chunk's ids, in one statement.
 *
 * The row's coordinates tell a redelivery of the same record, which is forwarded again as it was decided, from another
 * record with the same id, which is the producer's duplicate. A row that was cancelled first answers for both.
 * A later pass without a row continues nothing: its header is forged, since whoever defers has written the row.
 */
import type { LogEntry } from '../../domain/notification-log.ts'
import type { Request } from './decode.ts'
import type { OpenRequest } from './enrich.ts'
import type { NotificationLog } from './ports.ts'

export interface LookedUp {
  /** No row, or a row that this pass may follow: to be decided. */
  open: OpenRequest[]
  redelivered: { request: Request; entry: LogEntry }[]
  cancelled: { request: Request; entry: LogEntry }[]
  duplicates: { request: Request; entry: LogEntry }[]
  /** A later pass of a notification that has none. */
  forged: Request[]
}

export async function lookUp(requests: readonly Request[], log: NotificationLog): Promise<LookedUp> {
  const looked: LookedUp = { open: [], redelivered: [], cancelled: [], duplicates: [], forged: [] }
  if (requests.length === 0) return looked
  const entries = await log.lookUp(requests.map((request) => request.key))
  const entriesOf = Map.groupBy(entries, idOf)
  for (const request of requests) {
    const known = entriesOf.get(idOf(request.key)) ?? []
    const own = known.find((entry) => entry.day === request.key.day)
    // The same id with another createdAt, at most a day apart: a documented limit of deduplication.
    const entry = own ?? known[0]
    if (entry === undefined && request.pass === 0) looked.open.push({ request, deferredUntilMs: null })
    else if (entry === undefined) looked.forged.push(request)
    else if (own !== undefined) sort(request, own, looked)
    else if (isBareCancel(entry)) looked.cancelled.push({ request, entry })
    else looked.duplicates.push({ request, entry })
  }
  return looked
}

/** Named another day than the request, by the app's mistake: nothing came first by it, so nothing is a duplicate of it. */
function isBareCancel({ decision, coordinates }: LogEntry): boolean {
  return decision.kind === 'cancelled' && coordinates.partition < 0
}

function sort(request: Request, entry: LogEntry, looked: LookedUp): void {
  // Cancelled before anything was routed. What was routed first stays a redelivery: its cancelled deliveries are final.
  if (entry.decision.kind === 'cancelled') looked.cancelled.push({ request, entry })
  else if (isSameRecord(request, entry)) looked.redelivered.push({ request, entry })
  else if (entry.decision.kind === 'deferred' && request.pass === entry.pass + 1) {
    looked.open.push({ request, deferredUntilMs: entry.decision.deferredUntilMs })
  } else looked.duplicates.push({ request, entry })
}

function isSameRecord({ coordinates, pass }: Request, entry: LogEntry): boolean {
  const { lane, partition, offset } = entry.coordinates
  return (
    pass === entry.pass &&
    coordinates.offset === offset &&
    coordinates.partition === partition &&
    coordinates.lane === lane
  )
}

export function idOf({ notificationId, source }: { notificationId: string; source: string }): string {
  return `${notificationId} ${source}`
}
