/**
 * The router: a chunk of requested records goes through its stages, each of which costs one round trip for the whole
 * chunk: decode → look up → enrich → decide → throttle → record → forward. The caller moves the watermark afterwards.
 *
 * Everything may be done again at any point: identities are deterministic, the log's first writer wins, and what was
 * recorded is what is forwarded.
 */
import type { Lane } from '../../domain/channel.ts'
import type { LogEntry } from '../../domain/notification-log.ts'
import { isDeferralReason, type DeadLetterReason } from '../../domain/reason.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../domain/record.ts'
import { cancel } from './cancel.ts'
import { decode, type CancelRecord, type DecodedChunk, type Request } from './decode.ts'
import { enrichAndDecide, type Decided } from './enrich.ts'
import { bareStatus, forward } from './forward.ts'
import { idOf, lookUp, type LookedUp } from './look-up.ts'
import type { RouterPorts } from './ports.ts'
import { record } from './record.ts'
import { throttle } from './throttle.ts'

export interface Router {
  /** Settles a chunk, of one partition or several: everything that follows from it is acknowledged when it resolves. */
  handle(records: readonly ConsumedRecord[]): Promise<void>
}

/**
 * A chunk takes one wave. Equal ids within it, and losers of a race, take a further one each; so many would mean that
 * the log contradicts itself.
 */
const wavesMax = 502

export function createRouter(lane: Lane, ports: RouterPorts): Router {
  async function handle(records: readonly ConsumedRecord[]): Promise<void> {
    const chunk = await decode(records, lane, ports)
    const outgoing = refusals(chunk, ports)
    let open: readonly Request[] = chunk.requests
    for (let wave = 0; open.length > 0; wave += 1) {
      if (wave === wavesMax) throw new Error(`${open.length} requests of a chunk found no winner in ${wavesMax} waves`)
      const { first, rest } = separateEqualIds(open)
      const { forwarded, lost } = await routeWave(first, ports)
      outgoing.push(...forwarded)
      open = [...lost, ...rest]
    }
    // After the requests: a cancel that came behind its request in the chunk finds its row.
    for (const cancellation of chunk.cancellations) outgoing.push(...(await cancelOne(cancellation, ports)))
    await ports.publish(outgoing)
  }

  return { handle }
}

/** Of a day that may have no partition any more only what is on record can be cancelled. */
async function cancelOne(cancellation: CancelRecord, ports: RouterPorts): Promise<OutgoingRecord[]> {
  const { key, record, isOld } = cancellation
  if (isOld && !(await ports.log.lookUp([key])).some((entry) => entry.source === key.source && entry.day === key.day)) {
    return [deadLetterOf(record, 'data_error', ports)]
  }
  return cancel(cancellation, ports)
}

function refusals(chunk: DecodedChunk, ports: RouterPorts): OutgoingRecord[] {
  const deadLetters = chunk.deadLetters.map(({ record, reason }) => deadLetterOf(record, reason, ports))
  const refused = chunk.refused.map(({ event, lane, reason, detail }) =>
    bareStatus({ ...event, lane }, { status: 'failed', reason, detail, pass: 0 }, ports),
  )
  return [...deadLetters, ...refused]
}

function deadLetterOf(record: ConsumedRecord, reason: DeadLetterReason, ports: RouterPorts): OutgoingRecord {
  ports.observe({ kind: 'dead_letter', topic: record.topic, reason })
  return ports.deadLetter(ports.topics.requestedDeadLetter, record, reason)
}

/** The first request of every id, and the others in their order: they are decided when the first is on record. */
function separateEqualIds(requests: readonly Request[]): { first: Request[]; rest: Request[] } {
  const seen = new Set<string>()
  const first: Request[] = []
  const rest: Request[] = []
  for (const request of requests) {
    const id = idOf(request.key)
    if (seen.has(id)) rest.push(request)
    else first.push(request)
    seen.add(id)
  }
  return { first, rest }
}

/** @param requests distinct by id. */
async function routeWave(
  requests: readonly Request[],
  ports: RouterPorts,
): Promise<{ forwarded: OutgoingRecord[]; lost: Request[] }> {
  const looked = await lookUp(requests, ports.log)
  const decided = await enrichAndDecide(
    looked.open.filter(({ request }) => request.loggable),
    ports,
  )
  observeLanes(decided, ports)
  const planned = await throttle(decided, ports)
  const { won, lost } = await record(planned, ports.log)
  for (const { decision } of won) {
    if (decision.kind === 'deferred' && isDeferralReason(decision.reason)) {
      ports.observe({ kind: 'deferred', reason: decision.reason })
    }
  }
  return { forwarded: [...won.flatMap((item) => forward(item, ports)), ...known(looked, ports)], lost }
}

/** Routed by its category all the same; but somebody's login codes may stand in the queue of a campaign. */
function observeLanes(decided: readonly Decided[], ports: RouterPorts): void {
  for (const { request, category } of decided) {
    if (category !== undefined && category.lane !== request.lane && request.pass === 0)
      ports.observe({ kind: 'wrong_lane' })
  }
}

function known({ open, redelivered, cancelled, duplicates, forged }: LookedUp, ports: RouterPorts): OutgoingRecord[] {
  return [
    ...open.flatMap(({ request }) => (request.loggable ? [] : refusedUnlogged(request, ports))),
    ...redelivered.flatMap(({ request, entry }) =>
      forward({ request, decision: entry.decision, decidedAtMs: entry.decidedAtMs, stateOf: entry.stateOf }, ports),
    ),
    // With the pass of the row, as the cancel itself told it: one status id, whoever tells.
    ...cancelled.map(({ request, entry }) =>
      bareStatus(subjectOf(request), { status: 'cancelled', reason: 'cancelled', pass: entry.pass }, ports),
    ),
    ...duplicates.map(({ request, entry }) => duplicateStatus(request, entry, ports)),
    ...forged.map((request) => deadLetterOf(request.record, 'bad_header', ports)),
  ]
}

function refusedUnlogged(request: Request, ports: RouterPorts): OutgoingRecord[] {
  const { refused, pass } = request
  if (refused === null) return []
  const { reason, detail } = refused
  return [bareStatus(subjectOf(request), { status: 'failed', reason, detail, pass }, ports)]
}

/** Says whether the producer repeated itself or used an id twice, and which record was decided instead. */
function duplicateStatus(request: Request, { coordinates, contentHash }: LogEntry, ports: RouterPorts): OutgoingRecord {
  const isRepeat = contentHash === null || Buffer.compare(contentHash, request.contentHash) === 0
  const { lane, partition, offset } = coordinates
  return bareStatus(
    subjectOf(request),
    {
      status: 'duplicate',
      reason: isRepeat ? 'repeated_id' : 'conflict',
      pass: request.pass,
      original: partition < 0 ? null : { topic: ports.topics.requested(lane), partition, offset: Number(offset) },
    },
    ports,
  )
}

function subjectOf({ key, event, lane }: Request) {
  return { ...key, userId: event.userId, category: event.category, lane, createdAt: event.createdAt }
}
