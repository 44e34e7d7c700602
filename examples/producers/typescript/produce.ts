/**
 * Publishes one order receipt to Fanfare: kafkajs, avsc, and nothing of Fanfare's but its schema.
 *
 *   node produce.ts notification-requested.avsc <notificationId> <userId> <createdAt, Unix ms>
 *
 * The last three come from where the order was stored, never from this moment: so a second run writes the same bytes.
 */
import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import { Kafka, Partitioners } from 'kafkajs'

const { KAFKA_BROKERS = 'localhost:9092', REGISTRY_URL = 'http://localhost:8081' } = process.env
const { TOPIC = 'notifications.requested.transactional' } = process.env
const [schemaFile = '', notificationId, userId, createdAt] = process.argv.slice(2)

// A copy of the schema belongs to the program, which names the fields that it has.
const schema = JSON.parse(readFileSync(schemaFile, 'utf8')) as avsc.Schema
const event = {
  notificationId,
  source: 'shop',
  userId: Number(userId),
  category: 'order-receipt',
  data: {
    order_id: 'A-7F31C2',
    customer_name: 'Ada',
    lines: [
      { name: 'Umbrella', quantity: 1, price: '€24.00', note: null },
      { name: 'Trail shoes', quantity: 2, price: '€178.00', note: '38 and 44' },
    ],
    total: '€202.00',
  },
  createdAt: Number(createdAt),
  // What is left out has its default: template, locale, channels, sendAt, expiresAt, collapseKey.
}

const producer = new Kafka({ clientId: 'shop', brokers: KAFKA_BROKERS.split(',') }).producer({
  createPartitioner: Partitioners.DefaultPartitioner, // Java's murmur2.
  allowAutoTopicCreation: false,
})
await producer.connect()
try {
  const messages = [{ key: String(event.userId), value: await encode(event) }]
  const [stored] = await producer.send({ topic: TOPIC, acks: -1, messages })
  // Only now is the event accepted.
  process.stdout.write(`${TOPIC} partition ${stored?.partition} offset ${stored?.baseOffset}\n`)
} finally {
  await producer.disconnect()
}

/** A zero, the schema's id in four bytes, most significant first, and the Avro body. */
async function encode(value: object): Promise<Buffer> {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(await schemaId(), 1)
  return Buffer.concat([prefix, avsc.Type.forSchema(schema).toBuffer(value)])
}

/** Asks for the id; never registers. A long-lived producer asks once. */
async function schemaId(): Promise<number> {
  const subject = encodeURIComponent(`${TOPIC}-fanfare.v1.NotificationRequested`)
  const answer = await fetch(`${REGISTRY_URL}/subjects/${subject}`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
    signal: AbortSignal.timeout(5_000),
  })
  if (!answer.ok) throw new Error(`the registry answers ${answer.status} for ${subject}`)
  const { id } = (await answer.json()) as { id: number }
  return id
}
