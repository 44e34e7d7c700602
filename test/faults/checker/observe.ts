/**
 * Takes the observations of a run that has come to rest: from Kafka, the registry, Postgres, Redis and the providers'
 * ledger, each asked directly and not through what the harness puts in between.
 */
import { createAvroDecoder, type AvroDecoder } from './avro-decoder.ts'
import { commitTopic, readCommits } from './commit-log.ts'
import type {
  DeadLetter,
  Observations,
  ProviderCall,
  RequestedEvent,
  RetryRecord,
  Schedule,
  StatusRecord,
  UnreadableRecord,
  WebhookEvent,
} from './observations.ts'
import { readDatabase } from './read-database.ts'
import { readPlaces } from './read-places.ts'
import { openKafkaView, type TopicRecord } from './topic-contents.ts'

/** Where a run's world is, and what was done to it. */
export interface Run {
  brokers: readonly string[]
  /** The base of the Confluent-compatible API. */
  registryUrl: string
  topicPrefix: string
  postgresUrl: string
  redisUrl: string
  /** Answers with one call per line of JSON. */
  ledgerUrl: string
  /** The same with the events that the providers reported. */
  webhooksUrl: string
  /** The groups that have to settle what lies on their topics. */
  consumed: readonly { group: string; topics: readonly string[] }[]
  schedule: Schedule
}

export async function observe(run: Run): Promise<Observations> {
  // First: keys of people who hear nothing more are forgotten after a minute.
  const places = await readPlaces(run.redisUrl, run.topicPrefix)
  const kafka = await openKafkaView(run.brokers)
  try {
    const names = topicsOf(run.topicPrefix, await kafka.topics())
    const records = Map.groupBy(
      await kafka.read([...names.requested, ...names.deadLetters, ...names.retries, names.status, commitTopic]),
      ({ topic }) => topic,
    )
    const on = (...topics: string[]) => topics.flatMap((topic) => records.get(topic) ?? [])
    const decoder = createAvroDecoder(run.registryUrl)
    return {
      ...(await readRequested(on(...names.requested), decoder)),
      statuses: await readStatuses(on(names.status), decoder),
      deadLetters: await Promise.all(on(...names.deadLetters).map((record) => readDeadLetter(record, decoder))),
      retries: (await Promise.all(on(...names.retries).map((record) => readRetry(record, decoder)))).flat(),
      commits: readCommits(on(commitTopic), run.topicPrefix),
      positions: await kafka.positions(run.consumed),
      ...(await readDatabase(run.postgresUrl)),
      places,
      calls: await readLines<ProviderCall>(run.ledgerUrl),
      webhooks: await readLines<WebhookEvent>(run.webhooksUrl),
      schedule: run.schedule,
    }
  } finally {
    await kafka.close()
  }
}

function topicsOf(prefix: string, all: readonly string[]) {
  const own = all.filter((topic) => topic.startsWith(`${prefix}notifications.`) || topic.startsWith(`${prefix}users.`))
  const flowing = own.filter((topic) => !topic.endsWith('.dlq'))
  return {
    requested: flowing.filter((topic) => topic.startsWith(`${prefix}notifications.requested.`)),
    retries: flowing.filter((topic) => topic.startsWith(`${prefix}notifications.retry.`)),
    deadLetters: own.filter((topic) => topic.endsWith('.dlq')),
    status: `${prefix}notifications.delivery-status`,
  }
}

async function readRequested(
  records: readonly TopicRecord[],
  decoder: AvroDecoder,
): Promise<{ requests: RequestedEvent[]; unreadable: UnreadableRecord[] }> {
  const requests: RequestedEvent[] = []
  const unreadable: UnreadableRecord[] = []
  for (const { topic, partition, offset, value } of records) {
    const decoded = await decoder.decode(value)
    if (decoded?.name === 'fanfare.v1.NotificationCancelled') continue
    if (decoded?.name === 'fanfare.v1.NotificationRequested') {
      // The schema's own shape: what decodes has it.
      const fields = decoded.fields as unknown as Omit<RequestedEvent, 'topic' | 'partition' | 'offset'>
      requests.push({ ...fields, topic, partition, offset })
    } else {
      unreadable.push({ topic, partition, offset, value })
    }
  }
  return { requests, unreadable }
}

async function readStatuses(records: readonly TopicRecord[], decoder: AvroDecoder): Promise<StatusRecord[]> {
  const statuses: StatusRecord[] = []
  for (const record of records) {
    const decoded = await decoder.decode(record.value)
    if (decoded?.name !== 'fanfare.v1.DeliveryStatus') {
      throw new Error(`the public status topic holds what nobody can read: ${record.partition}@${record.offset}`)
    }
    statuses.push(decoded.fields as unknown as StatusRecord)
  }
  return statuses
}

async function readDeadLetter({ topic, value, headers }: TopicRecord, decoder: AvroDecoder): Promise<DeadLetter> {
  const original = {
    topic: headers['x-original-topic'],
    partition: headers['x-original-partition'],
    offset: headers['x-original-offset'],
  }
  const { topic: of, partition, offset } = original
  const isComplete = of !== undefined && partition !== undefined && offset !== undefined
  return {
    topic,
    reason: headers['x-reason'] ?? null,
    original: isComplete ? { topic: of, partition: Number(partition), offset } : null,
    value,
    deliveryId: await deliveryIdIn(value, decoder),
  }
}

async function readRetry({ value, headers, timestampMs }: TopicRecord, decoder: AvroDecoder): Promise<RetryRecord[]> {
  const deliveryId = await deliveryIdIn(value, decoder)
  const dueAt = headers['x-due-at']
  if (deliveryId === null || dueAt === undefined) return []
  return [{ deliveryId, hop: Number(headers['x-hop']), dueAt: Number(dueAt), publishedAt: timestampMs }]
}

async function deliveryIdIn(value: Uint8Array | null, decoder: AvroDecoder): Promise<string | null> {
  const decoded = await decoder.decode(value)
  return decoded?.name === 'fanfare.v1.DeliveryCommand' ? String(decoded.fields['deliveryId']) : null
}

async function readLines<Line>(url: string): Promise<Line[]> {
  const text = await (await fetch(url)).text()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}
