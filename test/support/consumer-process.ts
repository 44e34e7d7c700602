/**
 * A process with one consumer by hand-off and nothing else, to be killed by a test. Takes a ConsumerProcessOptions as
 * JSON, and prints one line for each record as it completes: its partition and its offset.
 */
import { startHandOffConsumer } from '../../src/kafka/hand-off-consumer.ts'
import { consumerBasics, createHappenings, createReported } from './kafka-workbench.ts'
import { pacedHandler } from './paced-handler.ts'
import { readStackEnvironment } from './stack-environment.ts'

export interface ConsumerProcessOptions {
  topic: string
  groupId: string
  sessionTimeoutMs: number
  concurrency: number
}

const options = JSON.parse(process.argv[2] ?? '') as ConsumerProcessOptions
const connection = { brokers: readStackEnvironment().brokers, clientId: 'fanfare-test-child', log: () => {} }
await startHandOffConsumer({
  ...consumerBasics({ ...options, connection }, createReported(createHappenings())),
  sessionTimeoutMs: options.sessionTimeoutMs,
  handler: pacedHandler(options.concurrency, ({ partition, offset }) => {
    process.stdout.write(`${partition} ${offset}\n`)
  }),
})
