import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { programs } from '../../src/cli/programs.ts'
import { configurationVariables, readConfiguration } from '../../src/config.ts'
import { lanes } from '../../src/domain/channel.ts'
import { topicNames } from '../../src/domain/topic-names.ts'
// All programs are loaded into one process here, and the mended client insists on being the first to load kafkajs.
import '../../src/kafka/kafkajs.ts'
import { deliverySections, sharedSections } from '../../src/roles/infrastructure.ts'
import { routingSections } from '../../src/roles/router.ts'
import { schedulerSections } from '../../src/roles/scheduler.ts'

const root = resolve(import.meta.dirname, '../..')
const readYaml = (path: string): unknown => parse(readFileSync(join(root, path), 'utf8'))

describe('docker-compose.yml', () => {
  const service = z.strictObject({
    image: z.string(),
    command: z.array(z.string()).optional(),
    ports: z.array(z.string()),
    environment: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    volumes: z.array(z.string()).optional(),
    healthcheck: z.strictObject({
      test: z.array(z.string()),
      interval: z.string(),
      timeout: z.string(),
      retries: z.int(),
      start_period: z.string().optional(),
    }),
  })
  const compose = z
    .strictObject({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) })
    .parse(readYaml('docker-compose.yml'))
  const services = Object.entries(compose.services)

  test('has the four dependencies, each with a health check', () => {
    assert.deepEqual(Object.keys(compose.services).toSorted(), ['kafka', 'postgres', 'redis', 'registry'])
  })

  test('pins every image to one version', () => {
    for (const [, { image }] of services) assert.match(image, /^[\w/-]+:\d+(\.\d+)+(\.Final)?$/)
  })

  test('takes ports on the loopback interface only, and each can be moved', () => {
    for (const [name, { ports }] of services) {
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:\$\{[A-Z]+_PORT:-\d+\}:/, name)
    }
  })

  test('declares the volumes that it mounts', () => {
    const mounted = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.replace(/:.*/, '')))
    assert.deepEqual(mounted.toSorted(), Object.keys(compose.volumes).toSorted())
  })
})

test('topics/Kustomization lists exactly the files of the folder, for exactly the topics there are', () => {
  const { resources } = z.object({ resources: z.array(z.string()) }).parse(readYaml('topics/Kustomization'))
  const files = readdirSync(join(root, 'topics')).filter((name) => name.endsWith('.yaml'))
  assert.deepEqual(resources.toSorted(), files.toSorted())
  assert.deepEqual(files.map((name) => name.replace('.yaml', '')).toSorted(), topicNames().all().toSorted())
})

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0

describe('k8s/base', { skip: hasKubectl ? false : 'kubectl is not installed, so nothing was rendered' }, () => {
  const metadata = z.object({ name: z.string(), namespace: z.string().optional() })
  const rendered = hasKubectl ? render() : []
  const ofKind = (kind: string) => rendered.filter((resource) => resource.kind === kind)

  function render() {
    const { stdout, stderr, status } = spawnSync('kubectl', ['kustomize', join(root, 'k8s/base')], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    const resource = z.looseObject({ kind: z.string(), metadata })
    return parseAllDocuments(stdout).map((document) => resource.parse(document.toJS()))
  }

  test('has every topic, in the namespace of everything else', () => {
    const names = ofKind('KafkaTopic').map((resource) => resource.metadata.name)
    assert.deepEqual(names.toSorted(), topicNames().all().toSorted())
    const outside = rendered.filter(
      ({ kind, metadata: { namespace } }) => kind !== 'Namespace' && namespace !== 'fanfare',
    )
    assert.deepEqual(outside, [])
  })

  const deployment = z.object({
    spec: z.object({
      selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
      template: z.object({
        metadata: z.object({ labels: z.record(z.string(), z.string()) }),
        spec: z.object({
          enableServiceLinks: z.literal(false),
          terminationGracePeriodSeconds: z.number(),
          securityContext: z.object({ runAsNonRoot: z.literal(true) }),
          containers: z.tuple([
            z.object({
              args: z.array(z.string()),
              ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
              readinessProbe: z.object({ httpGet: z.object({ path: z.literal('/readyz'), port: z.literal('admin') }) }),
              livenessProbe: z.object({ httpGet: z.object({ path: z.literal('/livez'), port: z.literal('admin') }) }),
              securityContext: z.object({ readOnlyRootFilesystem: z.literal(true) }),
            }),
          ]),
        }),
      }),
    }),
  })

  test('runs a router for each lane and a scheduler, whose selectors do not meet', () => {
    const deployments = ofKind('Deployment').map((resource) => deployment.parse(resource).spec)
    const args = deployments.map(({ template }) => template.spec.containers[0].args)
    assert.deepEqual(
      args.map((words) => words.join(' ')).toSorted(),
      [...lanes.map((lane) => `router --lane ${lane}`), 'scheduler'].toSorted(),
    )
    for (const [role = ''] of args) assert.equal(programs[role]?.kind, 'role', role)
    for (const { selector, template } of deployments) {
      const matching = deployments.filter(({ template: other }) =>
        Object.entries(selector.matchLabels).every(([key, value]) => other.metadata.labels[key] === value),
      )
      assert.deepEqual(
        matching.map((other) => other.template),
        [template],
      )
    }
  })

  test('configures both without a fault, given the Secret, and lets them drain', () => {
    const [configMap] = ofKind('ConfigMap')
    const { data } = z.object({ data: z.record(z.string(), z.string()) }).parse(configMap)
    const secret = {
      FANFARE_POSTGRES_URL: 'postgres://db/fanfare',
      FANFARE_REDIS_URL: 'redis://redis',
      FANFARE_ADDRESS_HASH_KEY: '0123456789abcdef'.repeat(4),
    }
    const environment = { ...secret, ...data, FANFARE_LANE: 'bulk' }
    const sections = [...sharedSections, ...deliverySections, ...routingSections, ...schedulerSections, 'lane'] as const
    const { consumer, admin } = readConfiguration(environment, sections)
    assert.deepEqual(
      Object.keys(data).filter((name) =>
        configurationVariables.some((known) => known.name === name && known.secret === 'yes'),
      ),
      [],
    )
    for (const resource of ofKind('Deployment')) {
      const { template } = deployment.parse(resource).spec
      assert.ok(template.spec.terminationGracePeriodSeconds * 1000 > consumer.drainBudgetMs)
      assert.deepEqual(template.spec.containers[0].ports, [{ name: 'admin', containerPort: admin.port }])
    }
  })
})
