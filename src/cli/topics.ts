/**
 * `fanfare topics apply|check`: the cluster's topics against the files of topics/.
 */
import { Command, InvalidArgumentError } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { createKafka } from '../kafka/connection.ts'
import { applyTopics, checkTopics } from '../kafka/topic-administration.ts'
import { readTopicFiles, type TopicDefinition } from '../kafka/topic-files.ts'
import { exitCodes } from './exit-code.ts'
import { topicDriftText } from './topic-text.ts'

export function topicsCommand(): Command {
  const topics = new Command('topics').description(
    'create Kafka’s topics as topics/ declares them, or report where they differ',
  )
  topics
    .command('apply')
    .description('create what is missing, grow partitions, set configurations; never shrinks or deletes anything')
    .option('--replicas <count>', 'lower the replication factor, for a cluster with fewer brokers', replicaCount)
    .addHelpText('after', '\nExample, for a single broker:\n  fanfare topics apply --replicas 1')
    .action(async ({ replicas }: { replicas?: number }) => {
      const { repaired, remaining, refused } = await onCluster(replicas, applyTopics)
      for (const drift of repaired) {
        process.stdout.write(
          drift.kind === 'missing' ? `created  ${drift.topic}\n` : `repaired ${topicDriftText(drift)}\n`,
        )
      }
      for (const { topic, code } of refused) process.stdout.write(`refused  ${topic}: ${code}\n`)
      for (const drift of remaining) process.stdout.write(`remains  ${topicDriftText(drift)}\n`)
      if (repaired.length + remaining.length + refused.length === 0) process.stdout.write('nothing to do\n')
      if (remaining.length + refused.length > 0) process.exitCode = exitCodes.failure
    })
  topics
    .command('check')
    .description('report where the cluster differs, and fail if it does')
    .option('--replicas <count>', 'as given to apply', replicaCount)
    .addHelpText('after', '\nExample:\n  fanfare topics check || fanfare topics apply')
    .action(async ({ replicas }: { replicas?: number }) => {
      const drifts = await onCluster(replicas, checkTopics)
      for (const drift of drifts) process.stdout.write(`differs  ${topicDriftText(drift)}\n`)
      if (drifts.length === 0) process.stdout.write('as declared\n')
      else process.exitCode = exitCodes.failure
    })
  return topics
}

type Work<Result> = (kafka: ReturnType<typeof createKafka>, wanted: readonly TopicDefinition[]) => Promise<Result>

async function onCluster<Result>(replicas: number | undefined, work: Work<Result>): Promise<Result> {
  const { kafka, topics } = readConfiguration(processEnvironment(), ['kafka', 'topics'])
  const wanted = readTopicFiles({ prefix: topics.prefix, ...(replicas === undefined ? {} : { replicas }) })
  // What goes wrong arrives as an exception; kafkajs's own lines about its retries would only bury it.
  return work(createKafka({ brokers: kafka.brokers, clientId: 'fanfare-topics', log: () => {} }), wanted)
}

export function replicaCount(given: string): number {
  if (/^[1-9]\d?$/.test(given)) return Number(given)
  throw new InvalidArgumentError('It must be a whole number from 1 to 99.')
}
