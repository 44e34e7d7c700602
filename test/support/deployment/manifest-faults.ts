/**
 * Judges rendered objects by schemas that know every key: what Kubernetes, KEDA and Strimzi would take silently, a
 * misspelt key above all, is a fault here.
 *
 * Three judges, since none sees everything. The compiler refuses unknown keys in literals of the published types, but
 * lets formats pass; the models' own validation sees formats and ranges, but no unknown keys; and where any key is
 * allowed (labels, a ConfigMap, what a KEDA trigger is told) only we know which are meant.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { configurationVariables } from '../../../src/config.ts'
import { nameOf, projectFolder, type Manifest } from './overlays.ts'

/** One list of sentences for each object, in their order; an empty one for an object without fault. */
export async function manifestFaults(manifests: readonly Manifest[]): Promise<string[][]> {
  const unknownKeys = compilerFaults(manifests)
  return Promise.all(
    manifests.map(async (each, index) => [
      ...(unknownKeys[index] ?? []),
      ...(await modelFaults(each)),
      ...ownFaults(each),
    ]),
  )
}

/** Strimzi publishes no types: its one kind is judged by `kafkaTopic` below. */
const isModelled = ({ kind }: Manifest) => kind !== 'KafkaTopic'

function modelOf({ apiVersion, kind }: Manifest): string {
  const models = apiVersion.startsWith('keda.sh/') ? '@kubernetes-models/keda' : 'kubernetes-models'
  return `${models}/${apiVersion}/${kind}`
}

/** Each object is one line, so a line of the compiler's output is one object's. */
function compilerFaults(manifests: readonly Manifest[]): string[][] {
  const lines = manifests.map((each, index) => {
    if (!isModelled(each)) return ''
    const type = `import('${modelOf(each)}').I${each.kind}`
    return `export const object${index}: ${type} = ${JSON.stringify(each)}`
  })
  // Inside the project, so that the models are found.
  mkdirSync(join(projectFolder, '.fanfare'), { recursive: true })
  const folder = mkdtempSync(join(projectFolder, '.fanfare/manifests-'))
  try {
    const file = join(folder, 'manifests.ts')
    writeFileSync(file, lines.join('\n'))
    const flags = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--skipLibCheck',
      '--ignoreConfig',
      '--pretty',
      'false',
    ]
    const { stdout } = spawnSync(join(projectFolder, 'node_modules/.bin/tsc'), [...flags, file], { encoding: 'utf8' })
    return faultsByLine(stdout, manifests.length)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function faultsByLine(output: string, count: number): string[][] {
  const faults: string[][] = Array.from({ length: count }, () => [])
  for (const line of output.split('\n')) {
    const found = /manifests\.ts\((\d+),\d+\): error (TS\d+: .*)$/.exec(line)
    if (found !== null) faults[Number(found[1]) - 1]?.push(found[2] ?? '')
    else if (/error TS/.test(line)) throw new Error(`the compiler failed otherwise: ${line}`)
  }
  return faults
}

interface Model {
  validate(): void
}

async function modelFaults(manifest: Manifest): Promise<string[]> {
  if (!isModelled(manifest)) return []
  const models = (await import(modelOf(manifest))) as Record<string, new (data: unknown) => Model>
  const Kind = models[manifest.kind]
  if (Kind === undefined) return [`there is no model of ${manifest.kind}`]
  try {
    new Kind(manifest).validate()
    return []
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

/** Labels and annotations that mean something to somebody: to us, to Kubernetes, to Prometheus, to Strimzi. */
const labels = z.partialRecord(
  z.enum([
    'app.kubernetes.io/name',
    'app.kubernetes.io/component',
    'app.kubernetes.io/part-of',
    'fanfare/channel',
    'fanfare/lane',
    'fanfare/step',
    'pod-security.kubernetes.io/enforce',
    'pod-security.kubernetes.io/audit',
    'pod-security.kubernetes.io/warn',
    'strimzi.io/cluster',
  ]),
  z.string(),
)
const annotations = z.partialRecord(z.enum(['prometheus.io/scrape', 'prometheus.io/port']), z.string())
/** Of other people's objects. */
const foreignLabels = z.partialRecord(
  z.enum(['kubernetes.io/metadata.name', 'k8s-app', 'fanfare/may-request', ...labels.keyType.options]),
  z.string(),
)
const variables = z.partialRecord(z.enum(configurationVariables.map(({ name }) => name)), z.string())
const quantities = z.partialRecord(z.enum(['cpu', 'memory']), z.string())

/** KEDA takes strings only, and reads over what it does not know. */
const triggerMetadata = {
  prometheus: z.strictObject({
    serverAddress: z.url(),
    query: z.string(),
    threshold: z.stringFormat('number', /^\d+(\.\d+)?$/),
    ignoreNullValues: z.enum(['true', 'false']),
  }),
  kafka: z.strictObject({
    bootstrapServersFromEnv: z.enum(configurationVariables.map(({ name }) => name)),
    consumerGroup: z.string(),
    topic: z.string(),
    lagThreshold: z.stringFormat('whole number', /^\d+$/),
    offsetResetPolicy: z.enum(['earliest', 'latest']),
    ensureEvenDistributionOfPartitions: z.enum(['true', 'false']),
    version: z.stringFormat('version', /^\d+\.\d+\.\d+$/),
  }),
}
const trigger = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('prometheus'), metadata: triggerMetadata.prometheus }),
  z.looseObject({ type: z.literal('kafka'), metadata: triggerMetadata.kafka }),
])

/** As topics/ has them; the namespace and a label are kustomize's. */
const kafkaTopic = z.strictObject({
  apiVersion: z.literal('kafka.strimzi.io/v1'),
  kind: z.literal('KafkaTopic'),
  metadata: z.strictObject({ name: z.string(), namespace: z.string(), labels }),
  spec: z.strictObject({
    partitions: z.int().min(1),
    replicas: z.int().min(1),
    config: z.strictObject({
      'cleanup.policy': z.enum(['delete', 'compact']).optional(),
      'compression.type': z.enum(['producer', 'uncompressed']).optional(),
      'delete.retention.ms': z.int().optional(),
      'max.compaction.lag.ms': z.int().optional(),
      'max.message.bytes': z.int(),
      'message.timestamp.type': z.enum(['CreateTime', 'LogAppendTime']).optional(),
      'min.insync.replicas': z.int().min(1),
      'retention.ms': z.int().optional(),
    }),
  }),
})

/** What may stand under a key whose map the types leave open. */
const openMaps: Record<string, z.ZodType> = {
  labels,
  annotations,
  matchLabels: foreignLabels,
  selector: labels,
  data: variables,
  requests: quantities,
  limits: quantities,
}

function ownFaults(manifest: Manifest): string[] {
  if (manifest.kind === 'KafkaTopic') return issuesOf(kafkaTopic.safeParse(manifest))
  return openMapFaults(manifest, manifest.kind)
}

function openMapFaults(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((each, index) => openMapFaults(each, `${path}.${index}`))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, child]) => {
    const here = `${path}.${key}`
    const schema = openMaps[key]
    // Of a Service the selector is a map; of other kinds it holds one.
    const isOpen = schema !== undefined && !(key === 'selector' && !path.startsWith('Service'))
    if (isOpen) return issuesOf(schema.safeParse(child), here)
    if (key === 'triggers' && Array.isArray(child))
      return child.flatMap((each, index) => issuesOf(trigger.safeParse(each), `${here}.${index}`))
    return openMapFaults(child, here)
  })
}

function issuesOf(result: z.ZodSafeParseResult<unknown>, path = ''): string[] {
  if (result.success) return []
  return result.error.issues.map(
    (issue) => `${path}${issue.path.map((key) => `.${String(key)}`).join('')}: ${issue.message}`,
  )
}

/** A copy for each key of the object, with that key misspelt: what the judges must see. */
export function misspellings(manifest: Manifest): { key: string; manifest: Manifest }[] {
  return keyPaths(manifest).map((path) => ({
    key: `${nameOf(manifest)}: ${path.join('.')}`,
    manifest: misspelt(manifest, path) as Manifest,
  }))
}

type Path = readonly (string | number)[]

function keyPaths(value: unknown, path: Path = []): Path[] {
  if (Array.isArray(value)) return value.flatMap((each, index) => keyPaths(each, [...path, index]))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, child]) => {
    const here = [...path, key]
    // By these the object finds its judge.
    const isName = path.length === 0 && (key === 'apiVersion' || key === 'kind')
    return [...(isName ? [] : [here]), ...keyPaths(child, here)]
  })
}

function misspelt(value: unknown, [key, ...rest]: Path): unknown {
  if (Array.isArray(value)) return value.map((each, index) => (index === key ? misspelt(each, rest) : each))
  return Object.fromEntries(
    Object.entries(value as object).map(([own, child]) => {
      if (own !== key) return [own, child]
      return rest.length === 0 ? [`${own}x`, child] : [own, misspelt(child, rest)]
    }),
  )
}
