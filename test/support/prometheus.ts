/**
 * A real Prometheus that scrapes what a test started, every second, with the project's rules.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chooseFreePorts } from '../../src/local/stack/free-port.ts'
import { spawnOwned } from '../../src/local/stack/owned-process.ts'
import { thisSystem } from '../../src/local/stack/prerequisites.ts'
import { eventually } from './eventually.ts'

const program = thisSystem(process.env).find('prometheus')

/** For `skip`: why, or false. */
export const withoutPrometheus = program === undefined ? 'there is no Prometheus: apt-get install prometheus' : false

export interface SeriesInTime {
  labels: Readonly<Record<string, string>>
  /** Unix seconds and values; no value where there was none. */
  points: readonly (readonly [atSeconds: number, value: number])[]
}

export interface Prometheus {
  /** Every second from then until now. */
  queryRange(expr: string, fromSeconds: number): Promise<SeriesInTime[]>
  labelValues(label: string, metric: string): Promise<string[]>
  stop(): Promise<void>
}

const rulesFolder = join(import.meta.dirname, '../../monitoring/rules')
const scrapeSeconds = 1

/** @param ports of admin servers on this machine. */
export async function startPrometheus(ports: readonly number[]): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-prometheus-'))
  const [port = 0] = await chooseFreePorts(1)
  const interval = `${scrapeSeconds}s`
  const configuration = {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: [join(rulesFolder, '*.yaml')],
    scrape_configs: [{ job_name: 'fanfare', static_configs: [{ targets: ports.map((each) => `127.0.0.1:${each}`) }] }],
  }
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(configuration))
  const owned = spawnOwned(
    {
      program: program ?? 'prometheus',
      arguments: [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      workingDirectory: folder,
      environment: { PATH: process.env['PATH'] },
    },
    { setpriv: 'setpriv', logFile: join(folder, 'log') },
  )
  const url = `http://127.0.0.1:${port}`

  async function ask(path: string, parameters: Record<string, string>): Promise<unknown> {
    const response = await fetch(`${url}${path}?${new URLSearchParams(parameters).toString()}`)
    const answer = (await response.json()) as { status: string; error?: string; data?: unknown }
    if (answer.status !== 'success') throw new Error(`${parameters['query']}: ${answer.error}`)
    return answer.data
  }

  await eventually(async () => {
    const ready = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
    return ready ? undefined : 'Prometheus is not ready'
  })
  return {
    queryRange: async (query, fromSeconds) => {
      const span = { start: String(fromSeconds), end: String(Date.now() / 1_000), step: String(scrapeSeconds) }
      const { result } = (await ask('/api/v1/query_range', { query, ...span })) as {
        result: { metric: Record<string, string>; values: [number, string][] }[]
      }
      return result.map(({ metric, values }) => ({
        labels: metric,
        points: values.map(([at, value]) => [at, Number(value)] as const).filter(([, value]) => Number.isFinite(value)),
      }))
    },
    labelValues: async (label, metric) =>
      (await ask(`/api/v1/label/${label}/values`, { 'match[]': metric })) as string[],
    stop: async () => {
      await owned.end({ signal: 'SIGTERM', graceMs: 10_000 })
      rmSync(folder, { recursive: true })
    },
  }
}
