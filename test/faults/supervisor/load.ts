/**
 * A producer of notification events as any company has one: its own Avro, its own client, straight to the brokers.
 */
import { randomUUID } from 'node:crypto'
import avsc from 'avsc'
import { Kafka, logLevel, Partitioners, type Message, type Producer } from 'kafkajs'
import { setTimeout as wait } from 'node:timers/promises'
import { category, userCount } from './catalogue.ts'

export interface Load {
  /** Publishes so many new events; resolves when the broker has all of them. */
  publish(count: number): Promise<void>
  /** Publishes so many events evenly over the time; the promise settles with the last one. */
  spread(count: number, overMs: number): Promise<void>
  /** Publishes events that `message` made, each of them new. */
  publishEvents(events: readonly Message[]): Promise<void>
  /** Publishes any bytes on the requested topic; they do not count as events. */
  publishRaw(messages: readonly Message[]): Promise<void>
  /** An event as the topic holds it, with other fields if wanted, and another schema id if given. */
  message(fields?: Record<string, unknown>, schemaId?: number): Message
  /** The subject's schema under an id that nobody has seen. */
  registerVariant(): Promise<number>
  /** Events published so far. */
  published(): number
  close(): Promise<void>
}

export interface LoadOptions {
  brokers: readonly string[]
  registryUrl: string
  topicPrefix: string
  random: () => number
}

const batchIntervalMs = 100
const requestTimeoutMs = 5_000
/** An application gives up at some time; longer than any row keeps brokers away. */
const publishLimitMs = 90_000
const channelChoices = [['sms'], ['email'], ['push'], ['sms', 'email'], null]

export async function startLoad({ brokers, registryUrl, topicPrefix, random }: LoadOptions): Promise<Load> {
  const topic = `${topicPrefix}notifications.requested.bulk`
  const subject = `${registryUrl}/subjects/${topic}-fanfare.v1.NotificationRequested/versions`
  const answer = await fetch(`${subject}/latest`)
  if (!answer.ok) throw new Error(`the registry answers ${answer.status} for the subject of ${topic}`)
  const { id, schema } = (await answer.json()) as { id: number; schema: string }
  const type = avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema)
  let producer = await connectProducer(brokers)
  let published = 0

  function message(fields: Record<string, unknown> = {}, schemaId = id): Message {
    const userId = 1 + Math.floor(random() * userCount)
    const event = {
      notificationId: randomUUID(),
      source: 'faults',
      userId,
      category,
      template: null,
      locale: null,
      data: { item: 'Umbrella' },
      channels: channelsFor(userId, channelChoices[Math.floor(random() * channelChoices.length)] ?? null),
      sendAt: null,
      expiresAt: null,
      collapseKey: null,
      createdAt: Date.now(),
      ...fields,
    }
    const frame = Buffer.alloc(5)
    frame.writeInt32BE(schemaId, 1)
    return { key: String(event.userId), value: Buffer.concat([frame, type.toBuffer(event)]) }
  }

  /** Byte for byte again where no answer came: copies are absorbed. A new client each time, which asks anew who leads. */
  async function publishRaw(messages: readonly Message[]): Promise<void> {
    const deadlineMs = performance.now() + publishLimitMs
    for (;;) {
      const used = producer
      try {
        await used.send({ topic, acks: -1, timeout: requestTimeoutMs, messages: [...messages] })
        return
      } catch (error) {
        if (performance.now() > deadlineMs) throw error
        await wait(batchIntervalMs)
        await replace(used)
      }
    }
  }

  async function replace(used: Producer): Promise<void> {
    if (producer !== used) return
    try {
      const next = await connectProducer(brokers)
      // Another call may have been faster.
      void (producer === used ? used : next).disconnect().catch(() => {})
      if (producer === used) producer = next
    } catch {
      // The next broker of the list, next time.
    }
  }

  async function publishEvents(events: readonly Message[]): Promise<void> {
    await publishRaw(events)
    published += events.length
  }

  async function publish(count: number): Promise<void> {
    await publishEvents(Array.from({ length: count }, () => message()))
  }

  async function spread(count: number, overMs: number): Promise<void> {
    const startedMs = performance.now()
    for (let done = 0; done < count;) {
      const elapsedMs = performance.now() - startedMs
      const due = Math.min(count, Math.ceil((count * (elapsedMs + batchIntervalMs)) / overMs))
      if (due > done) await publish(due - done)
      done = Math.max(done, due)
      if (done < count) await wait(batchIntervalMs)
    }
  }

  async function registerVariant(): Promise<number> {
    const variant = { ...(JSON.parse(schema) as object), doc: `The same, registered again as ${randomUUID()}.` }
    const registered = await fetch(subject, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify(variant) }),
    })
    const { id: variantId } = (await registered.json()) as { id: number }
    if (variantId === id) throw new Error('the registry takes the variant for the schema itself')
    return variantId
  }

  return {
    publish,
    spread,
    publishEvents,
    publishRaw,
    message,
    registerVariant,
    published: () => published,
    close: () => producer.disconnect(),
  }
}

async function connectProducer(brokers: readonly string[]): Promise<Producer> {
  // No retries of its own: kafkajs leaves out of them what has come to be led by a broker that has answered already, and
  // the load would take for published what is on no topic (seen: 27 of 800 events while leaders moved).
  const retry = { retries: 0 }
  const limits = { connectionTimeout: requestTimeoutMs, requestTimeout: requestTimeoutMs, retry }
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'faults-load', logLevel: logLevel.NOTHING, ...limits })
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  return producer
}

/** Only every second person has a phone that takes pushes; the others would be suppressed, which is checked elsewhere. */
function channelsFor(userId: number, channels: readonly string[] | null): readonly string[] | null {
  return channels?.includes('push') === true && userId % 2 === 1 ? ['sms'] : channels
}
