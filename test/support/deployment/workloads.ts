/**
 * The Deployments and Jobs of an overlay as the kubelet would run them: arguments, and the environment that a pod gets
 * from its ConfigMap, its Secrets and its own labels.
 */
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ofKind, parseManifests, projectFolder, type Manifest } from './overlays.ts'

const probe = z.object({
  httpGet: z.object({ path: z.string(), port: z.string() }),
  periodSeconds: z.number(),
  timeoutSeconds: z.number().default(1),
  failureThreshold: z.number().default(3),
})

const container = z.object({
  image: z.string(),
  args: z.array(z.string()),
  env: z
    .array(
      z.object({
        name: z.string(),
        valueFrom: z.object({ fieldRef: z.object({ fieldPath: z.string() }) }),
      }),
    )
    .default([]),
  envFrom: z.array(
    z.union([
      z.strictObject({ configMapRef: z.strictObject({ name: z.string() }) }),
      z.strictObject({ secretRef: z.strictObject({ name: z.string() }) }),
    ]),
  ),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }).optional(),
  resources: z.object({
    requests: z.object({ cpu: z.string(), memory: z.string() }),
    limits: z.object({ memory: z.string() }),
  }),
})

const workload = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    replicas: z.number().optional(),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }).optional(),
    template: z.object({
      metadata: z.object({
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()).default({}),
      }),
      spec: z.object({
        enableServiceLinks: z.boolean().optional(),
        terminationGracePeriodSeconds: z.number().default(30),
        containers: z.tuple([container]),
      }),
    }),
  }),
})

export interface Workload {
  kind: string
  name: string
  /** Undefined where an autoscaler decides. */
  replicas: number | undefined
  selector: Readonly<Record<string, string>>
  labels: Readonly<Record<string, string>>
  annotations: Readonly<Record<string, string>>
  terminationGracePeriodSeconds: number
  container: z.infer<typeof container>
  /** Names of the Secrets that it gets. */
  secrets: readonly string[]
  /** What its process finds, the Secrets' values being examples. */
  environment: Readonly<Record<string, string>>
}

/** The pods of the Deployments or the Jobs of an overlay. */
export function workloads(manifests: readonly Manifest[], kind: 'Deployment' | 'Job'): Workload[] {
  return ofKind(manifests, kind).map((manifest) => {
    const { metadata, spec } = workload.parse(manifest)
    const [only] = spec.template.spec.containers
    return {
      kind,
      name: metadata.name,
      replicas: spec.replicas,
      selector: spec.selector?.matchLabels ?? {},
      labels: spec.template.metadata.labels,
      annotations: spec.template.metadata.annotations,
      terminationGracePeriodSeconds: spec.template.spec.terminationGracePeriodSeconds,
      container: only,
      secrets: only.envFrom.flatMap((source) => ('secretRef' in source ? [source.secretRef.name] : [])),
      environment: environmentOf(manifests, only, spec.template.metadata.labels),
    }
  })
}

/** Throws where a ConfigMap, a Secret or a label is named that does not exist. */
function environmentOf(
  manifests: readonly Manifest[],
  { env, envFrom }: z.infer<typeof container>,
  labels: Readonly<Record<string, string>>,
): Record<string, string> {
  const sources = envFrom.map((source) =>
    'secretRef' in source
      ? exampleValues(secretKeys(source.secretRef.name))
      : configMapData(manifests, source.configMapRef.name),
  )
  const own = env.map(({ name, valueFrom }) => {
    const label = /^metadata\.labels\['(.+)'\]$/.exec(valueFrom.fieldRef.fieldPath)?.[1] ?? ''
    const value = labels[label]
    if (value === undefined) throw new Error(`the pod has no label ${label} for ${name}`)
    return [name, value] as const
  })
  return { ...Object.assign({}, ...sources), ...Object.fromEntries(own) } as Record<string, string>
}

function configMapData(manifests: readonly Manifest[], name: string): Record<string, string> {
  const found = ofKind(manifests, 'ConfigMap').find(({ metadata }) => metadata.name === name)
  if (found === undefined) throw new Error(`there is no ConfigMap ${name}`)
  return z.record(z.string(), z.string()).parse(found['data'])
}

const secret = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Secret'),
  metadata: z.object({ name: z.string() }),
  // Values belong into the cluster, never into the repository.
  stringData: z.record(z.string(), z.literal('')),
})

/** The Secrets that k8s/secrets.skeleton.yaml asks for: their keys by their names. */
export const secretSkeleton: ReadonlyMap<string, readonly string[]> = new Map(
  parseManifests(readFileSync(join(projectFolder, 'k8s/secrets.skeleton.yaml'), 'utf8')).map((manifest) => {
    const { metadata, stringData } = secret.parse({
      ...manifest,
      metadata: { name: manifest.metadata.name },
    })
    return [metadata.name, Object.keys(stringData)]
  }),
)

function secretKeys(name: string): readonly string[] {
  const keys = secretSkeleton.get(name)
  if (keys === undefined) throw new Error(`k8s/secrets.skeleton.yaml has no Secret ${name}`)
  return keys
}

const asPem = { type: 'pkcs8', format: 'pem' } as const
const keyOf32Bytes = '0123456789abcdef'.repeat(4)

/** Nothing listens at port 1, so that a command which tries to connect fails at once. */
const examples: Readonly<Record<string, string>> = {
  FANFARE_POSTGRES_URL: 'postgres://fanfare@127.0.0.1:1/fanfare',
  FANFARE_REDIS_URL: 'redis://127.0.0.1:1',
  FANFARE_ADDRESS_HASH_KEY: keyOf32Bytes,
  FANFARE_LINK_KEYS: `1:${Buffer.from(keyOf32Bytes, 'hex').toString('base64')}`,
  FANFARE_APNS_SIGNING_KEY: String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(asPem)),
  FANFARE_FCM_SERVICE_ACCOUNT: JSON.stringify({
    project_id: 'example-app',
    client_email: 'fanfare@example-app.iam.gserviceaccount.com',
    private_key: String(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(asPem)),
  }),
  FANFARE_TWILIO_AUTH_TOKEN: 'token',
  FANFARE_SENDGRID_API_KEY: 'SG.key',
}

function exampleValues(keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    keys.map((key) => {
      const value = examples[key]
      if (value === undefined) throw new Error(`there is no example of ${key}`)
      return [key, value]
    }),
  )
}
