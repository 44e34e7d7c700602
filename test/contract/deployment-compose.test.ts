import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { programs } from '../../src/cli/programs.ts'
import { configurationVariables } from '../../src/config.ts'
// All programs are loaded into one process here, and the mended client insists on being the first to load kafkajs.
import '../../src/kafka/kafkajs.ts'
import { startSimulator } from '../../src/local/simulator/simulator.ts'
import { interpolated, readComposeFile, type ComposeService } from '../support/deployment/compose-file.ts'
import { checkConfiguration } from '../support/deployment/configuration-check.ts'
import { expectedProcesses, processName, type ExpectedProcess } from '../support/deployment/expected-processes.ts'
import { projectFolder } from '../support/deployment/overlays.ts'

const { services, volumes } = readComposeFile()
const entries = Object.entries(services)
const service = (name: string): ComposeService => services[name] ?? assert.fail(`there is no service ${name}`)
const variable = (name: string) => configurationVariables.find((each) => each.name === name)

const dependencies = ['kafka', 'registry', 'postgres', 'redis']
const jobs = ['migrate', 'topics', 'schemas', 'seed']
const others = ['simulator', 'fanfare', 'prometheus', 'grafana']
const processes = await expectedProcesses()
const roles = processes.map(processName)
/** Senders send, and the edge verifies webhooks. */
const knowsProviders = ({ role }: ExpectedProcess) => role === 'sender' || role === 'edge'
const isOurs = ({ image }: ComposeService) => image.startsWith('fanfare')

function environmentOf({ environment }: ComposeService): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, interpolated(String(value))]))
}

describe('docker-compose.yml', () => {
  test('has the dependencies, the jobs, every role for each of its channels and lanes, and nothing that is no role', () => {
    assert.deepEqual(
      entries.map(([name]) => name).toSorted(),
      [...dependencies, ...jobs, ...roles, ...others].toSorted(),
    )
  })

  test('pins every image to one version, and ours to this one', () => {
    const { version } = z
      .object({ version: z.string() })
      .parse(JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')))
    for (const [name, { image }] of entries) {
      assert.match(image, /^[\w/-]+:v?\d+(\.\d+)+(\.Final)?$/, name)
      if (image.startsWith('fanfare')) assert.ok(image.endsWith(`:${version}`), name)
    }
  })

  test('has the versions of Kafka and the registry that the local stack has', () => {
    const pom = readFileSync(join(projectFolder, 'src/local/stack/pom.xml'), 'utf8')
    for (const part of ['kafka', 'registry']) {
      const version = new RegExp(`<${part}.version>(.+)</`).exec(pom)?.[1]
      assert.ok(service(part).image.endsWith(`:${version}`), part)
    }
  })

  test('takes ports on the loopback interface only, each can be moved, and no two want the same', () => {
    const published = entries.flatMap(([name, { ports }]) =>
      ports.map((port) => {
        assert.match(port, /^127\.0\.0\.1:\$\{[A-Z]+_PORT:-\d+\}:/, name)
        return interpolated(port).split(':')[1]
      }),
    )
    assert.equal(new Set(published).size, published.length)
  })

  test('mounts volumes that it declares, and folders that there are', () => {
    const sources = entries.flatMap(([, each]) => each.volumes.map((volume) => volume.split(':')[0] ?? ''))
    const named = sources.filter((source) => !source.startsWith('.'))
    assert.deepEqual([...new Set(named)].toSorted(), Object.keys(volumes).toSorted())
    for (const folder of sources.filter((source) => source.startsWith('.')))
      assert.ok(existsSync(join(projectFolder, folder)), folder)
  })

  test('waits for services that there are, for health only where there is a check, and for an end only of jobs', () => {
    for (const [name, { depends_on }] of entries) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        if (condition === 'service_completed_successfully') assert.ok(jobs.includes(other), `${name} → ${other}`)
        // The simulator's check is in the image.
        else assert.ok(service(other).healthcheck !== undefined || other === 'simulator', `${name} → ${other}`)
      }
    }
  })

  test('starts a role when the tables, the topics and the schemas are there, and who knows the providers when they are', () => {
    const completed = { condition: 'service_completed_successfully' }
    const healthy = { condition: 'service_healthy' }
    for (const process of processes) {
      assert.deepEqual(service(processName(process)).depends_on, {
        migrate: completed,
        topics: completed,
        schemas: completed,
        redis: healthy,
        ...(knowsProviders(process) ? { simulator: healthy } : {}),
      })
    }
    assert.deepEqual(
      jobs.map((job) => Object.entries(service(job).depends_on)),
      [[['postgres', healthy]], [['kafka', healthy]], [['registry', healthy]], [['migrate', completed]]],
    )
  })

  test('sets only variables that there are', () => {
    for (const [name, each] of entries.filter(([, own]) => isOurs(own))) {
      for (const key of Object.keys(each.environment)) assert.ok(variable(key) !== undefined, `${name}: ${key}`)
    }
  })

  test('calls programs with what they take', async () => {
    for (const [name, { command = [], image }] of entries.filter(([, own]) => isOurs(own))) {
      if (name === 'fanfare') continue
      const [program = '', ...args] = command
      const loaded = await (programs[program] ?? assert.fail(`${name}: there is no program ${program}`)).load()
      loaded.exitOverride()
      for (const each of [loaded, ...loaded.commands]) each.exitOverride().action(() => {})
      await assert.doesNotReject(loaded.parseAsync(args, { from: 'user' }), name)
      assert.equal(image.startsWith('fanfare-simulator:'), name === 'simulator')
    }
  })

  test('gives every role its channel and lane, and configures it without a fault', async () => {
    const simulator = await startSimulator({ host: { listen: '127.0.0.1', name: 'simulator' } })
    await simulator.stop()
    for (const process of processes) {
      const { role, channel, lane } = process
      const own = service(processName(process))
      const flags = [channel === undefined ? [] : ['--channel', channel], lane === undefined ? [] : ['--lane', lane]]
      assert.deepEqual(own.command, [role, ...flags.flat()])
      const { faults } = await checkConfiguration(role, {
        ...environmentOf(own),
        ...(own.entrypoint === undefined ? {} : simulator.environment),
        ...(channel === undefined ? {} : { FANFARE_CHANNEL: channel }),
        ...(lane === undefined ? {} : { FANFARE_LANE: lane }),
      })
      assert.deepEqual(faults, [], processName(process))
    }
  })

  test('replaces the shell that reads the simulator’s file by Node, so that signals reach it', () => {
    for (const process of processes) {
      const { entrypoint } = service(processName(process))
      assert.equal(entrypoint !== undefined, knowsProviders(process))
      if (entrypoint === undefined) continue
      assert.deepEqual(entrypoint.map(interpolated), [
        'sh',
        '-c',
        'set -a; . /simulator/simulator.env; exec node src/main.ts "$0" "$@"',
      ])
    }
  })

  test('gives roles the time that they may take to end, and nothing that they do not need', () => {
    const drainBudgetMs = Number(variable('FANFARE_DRAIN_BUDGET_MS')?.default)
    for (const role of roles) {
      const { stop_grace_period = '0s', read_only, cap_drop, security_opt } = service(role)
      assert.ok(Number.parseInt(stop_grace_period, 10) * 1_000 >= drainBudgetMs + 20_000, role)
      assert.deepEqual(
        { read_only, cap_drop, security_opt },
        {
          read_only: true,
          cap_drop: ['ALL'],
          security_opt: ['no-new-privileges:true'],
        },
      )
    }
  })

  test('publishes the ports on which gateway and edge listen', () => {
    for (const role of ['gateway', 'edge']) {
      const port = variable(`FANFARE_${role.toUpperCase()}_PORT`)?.default
      assert.deepEqual(service(role).ports.map(interpolated), [`127.0.0.1:${port}:${port}`])
      assert.equal(environmentOf(service(role))[`FANFARE_${role.toUpperCase()}_HOST`], '0.0.0.0')
    }
  })

  test('lets Postgres take the connections of all of them', () => {
    const most = Number(/max_connections=(\d+)/.exec((service('postgres').command ?? []).join(' '))?.[1])
    const each = Number(variable('FANFARE_POSTGRES_MAX_CONNECTIONS')?.default)
    // A few more for each, such as a router's that listens for changes.
    assert.ok(most >= roles.length * (each + 3))
  })
})

describe('monitoring/', () => {
  const yaml = (file: string): unknown => parse(readFileSync(join(projectFolder, 'monitoring', file), 'utf8'))

  test('has Prometheus read every role of docker-compose.yml', () => {
    const { scrape_configs } = z
      .looseObject({
        scrape_configs: z.array(
          z.strictObject({
            job_name: z.string(),
            static_configs: z.array(z.strictObject({ targets: z.array(z.string()) })),
          }),
        ),
      })
      .parse(yaml('prometheus.yml'))
    const targets = scrape_configs.flatMap((job) => job.static_configs.flatMap((each) => each.targets))
    const port = variable('FANFARE_ADMIN_PORT')?.default
    assert.deepEqual(targets.toSorted(), roles.map((role) => `${role}:${port}`).toSorted())
  })

  test('has Grafana ask that Prometheus, and look for dashboards where they are mounted', () => {
    const { datasources } = z
      .looseObject({ datasources: z.array(z.looseObject({ url: z.string() })) })
      .parse(yaml('grafana/datasources/prometheus.yaml'))
    assert.deepEqual(
      datasources.map(({ url }) => url),
      ['http://prometheus:9090'],
    )
    const { providers } = z
      .looseObject({ providers: z.array(z.looseObject({ options: z.strictObject({ path: z.string() }) })) })
      .parse(yaml('grafana/dashboards/fanfare.yaml'))
    const mounted = service('grafana').volumes.map((volume) => volume.split(':')[1])
    for (const { options } of providers) assert.ok(mounted.includes(options.path))
  })
})
