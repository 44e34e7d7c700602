/**
 * The topics as topics/ declares them: one Strimzi `KafkaTopic` per file, read by `kubectl apply` and by us.
 *
 * The schema is strict: a misspelt key is a fault here, because Strimzi and Kafka would both go on without it.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

export interface TopicDefinition {
  name: string
  partitions: number
  replicas: number
  /** Exactly the configuration that the topic is to have of its own; everything else is the broker's default. */
  config: Readonly<Record<string, string>>
}

export interface TopicFilesOptions {
  /** The folder of the YAML files. */
  directory?: string
  /** Goes before every name, as in `topicNames(prefix)`. */
  prefix?: string
  /** Lowers the files' replication factor, for clusters with fewer brokers; never raises it. */
  replicas?: number
}

const projectTopics = new URL('../../topics/', import.meta.url).pathname
const suffix = '.yaml'

/**
 * All topic files of a folder, in the order of their names.
 * @throws Error naming the file and each fault, if one is not a valid topic.
 */
export function readTopicFiles(options: TopicFilesOptions = {}): TopicDefinition[] {
  const { directory = projectTopics, prefix = '', replicas } = options
  const files = readdirSync(directory).filter((file) => file.endsWith(suffix))
  return files.toSorted().map((file) => {
    const definition = parseTopicFile(basename(file, suffix), readFileSync(join(directory, file), 'utf8'))
    const prefixed = { ...definition, name: prefix + definition.name }
    return replicas === undefined ? prefixed : lowerReplicas(prefixed, replicas)
  })
}

/**
 * One file's content.
 * @param expectedName the file's name without `.yaml`, which must be the topic's.
 */
export function parseTopicFile(expectedName: string, yaml: string): TopicDefinition {
  const parsed = kafkaTopic.safeParse(parse(yaml))
  if (!parsed.success) throw new Error(`topics/${expectedName}.yaml: ${z.prettifyError(parsed.error)}`)
  const { metadata, spec } = parsed.data
  if (metadata.name !== expectedName) throw new Error(`topics/${expectedName}.yaml names the topic ${metadata.name}`)
  return { name: metadata.name, ...spec }
}

/** One in-sync copy less than there are brokers, so that one broker may be away; with a single broker, just that one. */
export function lowerReplicas(definition: TopicDefinition, replicas: number): TopicDefinition {
  if (replicas >= definition.replicas) return definition
  const minInSyncReplicas = Math.min(Number(definition.config[minInSyncKey]), Math.max(1, replicas - 1))
  return { ...definition, replicas, config: { ...definition.config, [minInSyncKey]: String(minInSyncReplicas) } }
}

const minInSyncKey = 'min.insync.replicas'

const positive = z.int().min(1)

/** Only what we set somewhere: a new key is added here together with its first use. */
const topicConfig = z.strictObject({
  'cleanup.policy': z.enum(['delete', 'compact']).optional(),
  'compression.type': z.enum(['producer', 'uncompressed']).optional(),
  'delete.retention.ms': positive.optional(),
  'max.compaction.lag.ms': positive.optional(),
  'max.message.bytes': positive,
  'message.timestamp.type': z.enum(['CreateTime', 'LogAppendTime']).optional(),
  [minInSyncKey]: positive,
  'retention.ms': positive.optional(),
})

const kafkaTopic = z.strictObject({
  apiVersion: z.literal('kafka.strimzi.io/v1'),
  kind: z.literal('KafkaTopic'),
  metadata: z.strictObject({
    // A name that Kubernetes takes as it is (RFC 1123 subdomain) needs no `spec.topicName`; Kafka ends at 249.
    name: z
      .string()
      .max(249)
      .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/),
    labels: z.strictObject({ 'strimzi.io/cluster': z.string() }),
  }),
  spec: z
    .strictObject({
      partitions: positive,
      replicas: positive,
      config: topicConfig.transform((config) =>
        Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)])),
      ),
    })
    .refine((spec) => Number(spec.config[minInSyncKey]) <= spec.replicas, {
      message: `${minInSyncKey} must not exceed replicas`,
    }),
})
