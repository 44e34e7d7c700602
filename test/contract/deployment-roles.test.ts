import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { programs } from '../../src/cli/programs.ts'
import { configurationVariables } from '../../src/config.ts'
import { topicNames } from '../../src/domain/topic-names.ts'
import { finalCommitTimeoutMs } from '../../src/kafka/final-commit.ts'
import { leaveTimeoutMs } from '../../src/kafka/group-member.ts'
// All programs are loaded into one process here, and the mended client insists on being the first to load kafkajs.
import '../../src/kafka/kafkajs.ts'
import { closeTimeoutMs } from '../../src/kafka/record-producer.ts'
import { stopLimitMs } from '../../src/telemetry/admin-server.ts'
import { checkConfiguration } from '../support/deployment/configuration-check.ts'
import { expectedProcesses, processName } from '../support/deployment/expected-processes.ts'
import { kubectlMissing, ofKind, overlays, projectFolder, renderOverlay } from '../support/deployment/overlays.ts'
import { secretSkeleton, workloads, type Workload } from '../support/deployment/workloads.ts'

const variable = (name: string) => configurationVariables.find((each) => each.name === name)
const defaultOf = (name: string) => Number(variable(name)?.default)

describe('topics/Kustomization', () => {
  test('lists exactly the files of the folder, for exactly the topics there are', () => {
    const { resources } = z
      .object({ resources: z.array(z.string()) })
      .parse(parse(readFileSync(join(projectFolder, 'topics/Kustomization'), 'utf8')))
    const files = readdirSync(join(projectFolder, 'topics')).filter((name) => name.endsWith('.yaml'))
    assert.deepEqual(resources.toSorted(), files.toSorted())
    assert.deepEqual(files.map((name) => name.replace('.yaml', '')).toSorted(), topicNames().all().toSorted())
  })
})

for (const overlay of overlays) {
  describe(`the overlay ${overlay}`, { skip: kubectlMissing }, () => {
    const manifests = kubectlMissing === false ? renderOverlay(overlay) : []
    const deployments = workloads(manifests, 'Deployment')
    const jobs = workloads(manifests, 'Job')

    test('lies in one namespace, which is the only one that it makes', () => {
      const [namespace, ...others] = ofKind(manifests, 'Namespace')
      assert.deepEqual(others, [])
      const outside = manifests.filter(
        (each) => each !== namespace && each.metadata.namespace !== namespace?.metadata.name,
      )
      assert.deepEqual(outside, [])
    })

    test('has every topic', () => {
      const names = ofKind(manifests, 'KafkaTopic').map(({ metadata }) => metadata.name)
      assert.deepEqual(names.toSorted(), topicNames().all().toSorted())
    })

    test('runs every role, for each of its channels and lanes, and nothing that is no role', async () => {
      const expected = await expectedProcesses()
      assert.deepEqual(deployments.map(({ name }) => name).toSorted(), expected.map(processName).toSorted())
      for (const process of expected) {
        const deployment = deployments.find(({ name }) => name === processName(process))
        assert.deepEqual(deployment?.container.args, [process.role])
        const { FANFARE_CHANNEL, FANFARE_LANE } = deployment.environment
        assert.deepEqual([FANFARE_CHANNEL, FANFARE_LANE], [process.channel, process.lane], deployment.name)
      }
    })

    for (const deployment of deployments) {
      test(`configures ${deployment.name} without a fault, and tells it no secret that it does not read`, async () => {
        const [role = ''] = deployment.container.args
        assert.equal(programs[role]?.kind, 'role', `there is no role ${role}`)
        const { faults, read } = await checkConfiguration(role, deployment.environment)
        assert.deepEqual(faults, [])
        const told = deployment.secrets.flatMap((name) => secretSkeleton.get(name) ?? [])
        assert.deepEqual(
          told.filter((name) => !read.has(name)),
          [],
        )
      })
    }

    test('prepares with commands that the image has, configured without a fault', async () => {
      const ends = await Promise.all(jobs.map(async (job) => [job.container.args.join(' '), await endOf(job)] as const))
      const replicas = overlay === 'dev' ? ' --replicas 1' : ''
      const commands = ['migrate', 'schemas register', `topics check${replicas}`]
      assert.deepEqual(
        Object.fromEntries(ends),
        Object.fromEntries(commands.map((command) => [command, 'nobody there'])),
      )
    })

    test('asks for the Secrets of the skeleton and for no others, and puts no secret into a ConfigMap', () => {
      const asked = new Set([...deployments, ...jobs].flatMap(({ secrets }) => secrets))
      assert.deepEqual([...asked].toSorted(), [...secretSkeleton.keys()].toSorted())
      for (const key of [...secretSkeleton.values()].flat()) assert.notEqual(variable(key)?.secret ?? 'no', 'no', key)
      const settings = ofKind(manifests, 'ConfigMap').flatMap(({ data }) => Object.keys(data ?? {}))
      assert.deepEqual(
        settings.filter((name) => variable(name)?.secret === 'yes'),
        [],
      )
    })

    test('selects with each Deployment its own pods and no other’s', () => {
      for (const { name, selector } of deployments) {
        const selected = deployments.filter(({ labels }) =>
          Object.entries(selector).every(([key, value]) => labels[key] === value),
        )
        assert.deepEqual(
          selected.map((each) => each.name),
          [name],
        )
      }
    })

    test('gives every pod the time that draining, committing, leaving and closing may take', () => {
      for (const { name, container, environment, terminationGracePeriodSeconds } of deployments) {
        const drainBudgetMs = Number(environment['FANFARE_DRAIN_BUDGET_MS'] ?? defaultOf('FANFARE_DRAIN_BUDGET_MS'))
        const preStopMs = (container.lifecycle?.preStop.sleep.seconds ?? 0) * 1_000
        // The producer waits so long for what it is sending, and again for its connections.
        const closingMs = leaveTimeoutMs + 2 * closeTimeoutMs + stopLimitMs
        const neededMs = preStopMs + drainBudgetMs + finalCommitTimeoutMs + closingMs
        assert.ok(terminationGracePeriodSeconds * 1_000 > neededMs, `${name} needs ${neededMs} ms`)
      }
    })

    test('probes only what a process knows of itself, and patiently', () => {
      const adminPort = defaultOf('FANFARE_ADMIN_PORT')
      for (const { name, container, annotations } of deployments) {
        const { startupProbe, livenessProbe, readinessProbe } = container
        assert.equal(startupProbe?.httpGet.path, '/livez', name)
        assert.equal(livenessProbe?.httpGet.path, '/livez', name)
        assert.equal(readinessProbe?.httpGet.path, '/readyz', name)
        assert.ok(container.ports.some((port) => port.name === 'admin' && port.containerPort === adminPort))
        assert.equal(annotations['prometheus.io/port'], String(adminPort))
        // One probe that an overloaded node loses must not restart a sender: its calls would be left ambiguous.
        assert.ok(livenessProbe.periodSeconds * livenessProbe.failureThreshold >= 30)
        assert.ok(livenessProbe.timeoutSeconds >= 5)
        // A member that cannot join within a minute ends by itself.
        assert.ok(startupProbe.periodSeconds * startupProbe.failureThreshold >= 60)
      }
    })

    test('opens the ports that gateway and edge listen on', () => {
      for (const [role, portVariable] of [
        ['gateway', 'FANFARE_GATEWAY_PORT'],
        ['edge', 'FANFARE_EDGE_PORT'],
      ] as const) {
        const deployment = deployments.find(({ name }) => name === role)
        const port = Number(deployment?.environment[portVariable] ?? defaultOf(portVariable))
        assert.deepEqual(
          deployment?.container.ports.filter(({ name }) => name === 'http'),
          [{ name: 'http', containerPort: port }],
        )
        const service = ofKind(manifests, 'Service').find(({ metadata }) => metadata.name === role)
        assert.deepEqual(service?.['spec'], {
          selector: { 'app.kubernetes.io/name': 'fanfare', 'app.kubernetes.io/component': role },
          ports: [{ name: 'http', port: 80, targetPort: 'http' }],
        })
      }
    })

    test('keeps one of each that is away for maintenance, and lets nothing hold back a node’s drain', () => {
      const budgets = ofKind(manifests, 'PodDisruptionBudget')
      assert.deepEqual(
        budgets.map(({ metadata }) => metadata.name).toSorted(),
        deployments.map(nameOfWorkload).toSorted(),
      )
      for (const { metadata, spec } of budgets) {
        const deployment = deployments.find(({ name }) => name === metadata.name)
        assert.deepEqual(spec, {
          maxUnavailable: 1,
          unhealthyPodEvictionPolicy: 'AlwaysAllow',
          selector: { matchLabels: deployment?.selector },
        })
      }
    })

    test('leaves the number of members to whoever scales them', () => {
      const scaled = [...ofKind(manifests, 'ScaledObject'), ...ofKind(manifests, 'HorizontalPodAutoscaler')].map(
        ({ spec }) => z.object({ scaleTargetRef: z.object({ name: z.string() }) }).parse(spec).scaleTargetRef.name,
      )
      assert.equal(new Set(scaled).size, scaled.length)
      assert.deepEqual(
        deployments
          .filter(({ replicas }) => replicas === undefined)
          .map(nameOfWorkload)
          .toSorted(),
        scaled.toSorted(),
      )
    })

    test('runs this version of the image everywhere', () => {
      const { version } = z
        .object({ version: z.string() })
        .parse(JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')))
      for (const { name, container } of [...deployments, ...jobs]) {
        assert.match(container.image, new RegExp(`(^|/)fanfare:${version.replaceAll('.', String.raw`\.`)}$`), name)
      }
    })
  })
}

/** Of a Job's command that finds nobody to speak to: with a fault in its configuration it would end otherwise, with 78. */
async function endOf({ container, environment }: Workload): Promise<string> {
  const away = { FANFARE_KAFKA_BROKERS: '127.0.0.1:1', FANFARE_REGISTRY_URL: 'http://127.0.0.1:1' }
  const command = spawn(process.execPath, ['src/main.ts', ...container.args], {
    cwd: projectFolder,
    env: { ...environment, ...away },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [said, [status]] = await Promise.all([text(command.stderr), once(command, 'close')])
  return status === 1 ? 'nobody there' : said
}

function nameOfWorkload({ name }: Workload): string {
  return name
}
