/**
 * `node bench/router/copy.ts <brokers> <group> <topic> <target>`: what a router is held against. Copies every record
 * twice to another topic and decodes nothing, with kafkajs as it comes: a process of its own, which loads nothing of
 * ours, so that what src/kafka mends of kafkajs does not make the ceiling higher.
 *
 * Chunks of 500 records and three partitions side by side, as the router works.
 */
import { Kafka, logLevel, Partitioners } from 'kafkajs'

const [brokers = '', groupId = '', topic = '', target = ''] = process.argv.slice(2)

const chunkSize = 500
const partitionsConsumedConcurrently = 3

const kafka = new Kafka({ clientId: 'bench-copy', brokers: brokers.split(','), logLevel: logLevel.WARN })
const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner })
const consumer = kafka.consumer({ groupId, allowAutoTopicCreation: false })

await Promise.all([producer.connect(), consumer.connect()])
await consumer.subscribe({ topics: [topic], fromBeginning: true })
await consumer.run({
  partitionsConsumedConcurrently,
  eachBatch: async ({ batch: { messages }, resolveOffset, heartbeat, commitOffsetsIfNecessary }) => {
    for (let first = 0; first < messages.length; first += chunkSize) {
      const chunk = messages.slice(first, first + chunkSize)
      const copies = chunk.flatMap(({ key, value }) => [
        { key, value },
        { key, value },
      ])
      await producer.send({ topic: target, acks: -1, messages: copies })
      const last = chunk.at(-1)
      if (last !== undefined) resolveOffset(last.offset)
      await commitOffsetsIfNecessary()
      await heartbeat()
    }
  },
})

process.once('SIGTERM', () => {
  void Promise.all([consumer.disconnect(), producer.disconnect()]).finally(() => process.exit(0))
})
