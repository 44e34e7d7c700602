/**
 * The router: a chunk of requested records goes through its stages, each of which costs one round trip for the whole
 * chunk: decode → look up → enrich → decide → throttle → record → forward. The caller moves the watermark afterwards.
 *
 * Everything may be done again at any point: identities are deterministic, the log's first writer wins, and what was
 * recorded is what is forwarded.
 */
import type { Lane } from '../../domain/channel.ts'
import type { DeadLetterReason } from '../../domain/reason.ts'
import type { ConsumedRecord, OutgoingRecord } from '../../domain/record.ts'
import { cancel } from './cancel.ts'
import { decode, type DecodedChunk, type Request } from './decode.ts'
import { enrichAndDecide } from './enrich.ts'
import { bareStatus, forward } from './forward.ts'
import { idOf, lookUp, type LookedUp } from './look-up.ts'
import type { RouterPorts } from './ports.ts'
import { record } from './record.ts'

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
    for (const cancellation of chunk.cancellations) outgoing.push(...(await cancel(cancellation, ports)))
    await ports.publish(outgoing)
  }

  return { handle }
}

function refusals(chunk: DecodedChunk, ports: RouterPorts): OutgoingRecord[] {
  const deadLetters = chunk.deadLetters.map(({ record, reason }) => deadLetterOf(record, reason, ports))
  const refused = chunk.refused.map(({ event, lane, reason }) =>
    bareStatus({ ...event, lane }, { status: 'failed', reason, pass: 0 }, ports),
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
  const decided = await enrichAndDecide(looked.open, ports)
  const { won, lost } = await record(decided, ports.log)
  return { forwarded: [...won.flatMap((item) => forward(item, ports)), ...known(looked, ports)], lost }
}

function known({ redelivered, cancelled, duplicates, forged }: LookedUp, ports: RouterPorts): OutgoingRecord[] {
  return [
    ...redelivered.flatMap(({ request, entry }) =>
      forward({ request, decision: entry.decision, decidedAtMs: entry.decidedAtMs, stateOf: entry.stateOf }, ports),
    ),
    ...cancelled.map(({ request }) =>
      bareStatus(subjectOf(request), { status: 'cancelled', reason: 'cancelled', pass: request.pass }, ports),
    ),
    ...duplicates.map(({ request }) =>
      bareStatus(subjectOf(request), { status: 'duplicate', reason: 'repeated_id', pass: request.pass }, ports),
    ),
    ...forged.map((request) => deadLetterOf(request.record, 'bad_header', ports)),
  ]
}

function subjectOf({ key, event, lane }: Request) {
  return { ...key, userId: event.userId, category: event.category, lane, createdAt: event.createdAt }
}
