/**
 * What became of each delivery, as its four witnesses tell it: its row, the status topic, the retry topics and the
 * provider's ledger. Read with the checker's own readers, past everything that the row put in between.
 */
import type { LedgerEntry } from '../../../src/local/simulator/ledger.ts'
import { createAvroDecoder, type AvroDecoder } from '../checker/avro-decoder.ts'
import { openKafkaView, type TopicRecord } from '../checker/topic-contents.ts'
import type { Bench } from '../supervisor/bench.ts'

export interface Story {
  deliveryId: string
  channel: string
  address: string
  unknownPolicy: string
  createdAtMs: number
  state: string
  reason: string | null
  hop: number
  attempt: number
  /** In the order in which they came. */
  calls: readonly LedgerEntry[]
  /** Each once, in order: `retrying/throttled 0`, the number being the attempts spent. */
  statuses: readonly string[]
  /** On which the delivery waited, one for each hop after the first. */
  rungs: readonly string[]
}

type Row = Omit<Story, 'calls' | 'statuses' | 'rungs'>

export async function readStories(bench: Bench): Promise<Story[]> {
  const { statuses, rungs } = await readTopics(bench)
  const calls = Map.groupBy(bench.simulator.ledger.entries(), ({ deliveryId }) => deliveryId?.toLowerCase() ?? '')
  const rows = await bench.query<Row>(
    `select delivery_id as "deliveryId", channel::text, address, unknown_policy::text as "unknownPolicy",
       (extract(epoch from created_at) * 1000)::double precision as "createdAtMs", state::text, reason, hop, attempt
     from deliveries`,
  )
  return rows.map((row) => ({
    ...row,
    calls: calls.get(row.deliveryId) ?? [],
    statuses: [...(statuses.get(row.deliveryId)?.values() ?? [])],
    rungs: [...(rungs.get(row.deliveryId) ?? [])].toSorted(([a], [b]) => a - b).map(([, rung]) => rung),
  }))
}

interface TopicsRead {
  /** By delivery, then by status id: repeats are one. */
  statuses: Map<string, Map<string, string>>
  /** By delivery, then by hop. */
  rungs: Map<string, Map<number, string>>
}

async function readTopics({ world, topicPrefix }: Bench): Promise<TopicsRead> {
  const statusTopic = `${topicPrefix}notifications.delivery-status`
  const retryPrefix = `${topicPrefix}notifications.retry.bulk.`
  const retryTopics = ['10s', '1m', '10m', '1h'].map((rung) => `${retryPrefix}${rung}`)
  const decoder = createAvroDecoder(world.stack.registry.url)
  const read: TopicsRead = { statuses: new Map(), rungs: new Map() }
  const kafka = await openKafkaView(world.stack.kafka.brokers)
  try {
    for (const record of await kafka.read([statusTopic, ...retryTopics])) {
      if (record.topic === statusTopic) await readStatus(record, decoder, read)
      else await readWait(record, record.topic.slice(retryPrefix.length), decoder, read)
    }
  } finally {
    await kafka.close()
  }
  return read
}

async function readStatus({ value }: TopicRecord, decoder: AvroDecoder, { statuses }: TopicsRead): Promise<void> {
  const { deliveryId, statusId, status, reason, attempt } = (await decoder.decode(value))?.fields ?? {}
  // About the whole notification.
  if (typeof deliveryId !== 'string') return
  const told = statuses.get(deliveryId) ?? new Map<string, string>()
  statuses.set(deliveryId, told)
  told.set(String(statusId), `${String(status)}${typeof reason === 'string' ? `/${reason}` : ''} ${String(attempt)}`)
}

/** A record that is put back unchanged, since somebody else has its lease, waits at its own hop: that is no new try. */
async function readWait(
  { value, headers }: TopicRecord,
  rung: string,
  decoder: AvroDecoder,
  { rungs }: TopicsRead,
): Promise<void> {
  const deliveryId = String((await decoder.decode(value))?.fields['deliveryId'])
  const hop = Number(headers['x-hop'])
  const waited = rungs.get(deliveryId) ?? new Map<number, string>()
  rungs.set(deliveryId, waited)
  if (hop > 1 && !waited.has(hop)) waited.set(hop, rung)
}
