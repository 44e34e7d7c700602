import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Registry } from 'prom-client'
import { z } from 'zod'
import { topicNames } from '../../src/domain/topic-names.ts'
import { readTopicFiles } from '../../src/kafka/topic-files.ts'
import { createRegistry } from '../../src/telemetry/metrics.ts'
import { configurationVariables } from '../../src/config.ts'
import { kubectlMissing, ofKind, overlays, renderOverlay } from '../support/deployment/overlays.ts'
import { assertQueries, promtoolMissing } from '../support/deployment/promql.ts'

const scaledObject = z.object({
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.string()) }),
  spec: z.object({
    scaleTargetRef: z.strictObject({ name: z.string() }),
    pollingInterval: z.literal(15),
    minReplicaCount: z.int().min(1),
    maxReplicaCount: z.int(),
    fallback: z.strictObject({
      failureThreshold: z.literal(3),
      replicas: z.int(),
      behavior: z.literal('currentReplicasIfHigher'),
    }),
    triggers: z.array(
      z.object({ name: z.string(), metricType: z.string(), metadata: z.record(z.string(), z.string()) }),
    ),
  }),
})

/** The roles that consume, with the topics that their groups read. */
const topics = topicNames()
type Words = Readonly<Record<string, string>>
const groups: Readonly<Record<string, (labels: Words) => { group: string; topic: string | undefined }>> = {
  router: ({ 'fanfare/lane': lane }) => ({
    group: topics.group('router', String(lane)),
    topic: `notifications.requested.${lane}`,
  }),
  sender: ({ 'fanfare/channel': channel, 'fanfare/lane': lane }) => ({
    group: topics.group('sender', String(channel), String(lane)),
    topic: `notifications.${channel}.${lane}`,
  }),
  feedback: () => ({ group: topics.group('feedback'), topic: topics.feedback }),
  profiles: () => ({ group: topics.group('profiles'), topic: topics.usersChanged }),
  // Its lag is what waits for its time, so it has no trigger on it.
  retry: ({ 'fanfare/lane': lane }) => ({ group: topics.group('retry', String(lane)), topic: undefined }),
}

for (const overlay of overlays) {
  describe(`the overlay ${overlay}`, { skip: kubectlMissing }, () => {
    const scaled =
      kubectlMissing === false
        ? ofKind(renderOverlay(overlay), 'ScaledObject').map((each) => scaledObject.parse(each))
        : []

    test('scales every group of consumers by its own lag, between one member and one for each partition', () => {
      const partitionsOf = new Map(readTopicFiles().map(({ name, partitions }) => [name, partitions]))
      for (const { metadata, spec } of scaled) {
        const role = metadata.labels['app.kubernetes.io/component'] ?? ''
        const expected = groups[role]?.(metadata.labels)
        assert.equal(spec.scaleTargetRef.name, metadata.name)
        assert.equal(spec.fallback.replicas, spec.minReplicaCount)
        assert.ok(expected !== undefined, metadata.name)
        const [drain, lag] = spec.triggers
        assert.equal(drain?.metricType, 'Value')
        assert.equal(groupOf(drain.metadata['query']), expected.group)
        assert.equal(lag === undefined, expected.topic === undefined, metadata.name)
        if (lag === undefined || expected.topic === undefined) continue
        const { consumerGroup, topic, ensureEvenDistributionOfPartitions } = lag.metadata
        assert.deepEqual({ group: consumerGroup, topic }, expected)
        assert.equal(ensureEvenDistributionOfPartitions, 'true')
        assert.ok(spec.maxReplicaCount <= (partitionsOf.get(expected.topic) ?? 0), metadata.name)
      }
      assert.deepEqual(
        [...new Set(scaled.map(({ metadata }) => metadata.labels['app.kubernetes.io/component'] ?? ''))].toSorted(),
        Object.keys(groups).toSorted(),
      )
    })

    test('asks Prometheus for metrics and labels that there are, of its own group and of no other', async () => {
      const declared = await declaredMetrics()
      for (const { metadata, spec } of scaled) {
        const own = groupOf(spec.triggers[0]?.metadata['query'])
        for (const query of spec.triggers.flatMap((trigger) => trigger.metadata['query'] ?? [])) {
          for (const [, name = '', labels = ''] of query.matchAll(/(fanfare_[a-z_]+)(?:\{(.*?)\})?/g)) {
            const labelNames = declared.get(name)
            assert.ok(labelNames !== undefined, `${metadata.name}: there is no metric ${name}`)
            for (const [, label = '', value = ''] of labels.matchAll(/([a-z_]+)="(.*?)"/g)) {
              assert.ok(labelNames.includes(label), `${metadata.name}: ${name} has no label ${label}`)
              if (label === 'group') assert.equal(value, own)
            }
          }
        }
      }
    })
  })
}

/** The group that a query asks for. */
function groupOf(query = ''): string | undefined {
  return /group="(.*?)"/.exec(query)?.[1]
}

/** Names with their labels, those that a histogram stands for included. */
async function declaredMetrics(): Promise<Map<string, readonly string[]>> {
  const registry = new Registry()
  const folder = new URL('../../src/telemetry/', import.meta.url)
  for (const file of readdirSync(folder).filter((name) => name.endsWith('-metrics.ts'))) {
    const module = (await import(`../../src/telemetry/${file}`)) as Record<string, (registry: Registry) => unknown>
    Object.values(module).find((member) => typeof member === 'function')?.(registry)
  }
  const process = createRegistry({ role: 'test', version: '0' })
  return new Map(
    [...registry.getMetricsAsArray(), ...process.getMetricsAsArray()].flatMap((metric) => {
      // prom-client keeps the labels on its metrics, and its types do not say so.
      const { name, labelNames = [] } = metric as unknown as { name: string; labelNames?: string[] }
      return ['', '_sum', '_count'].map((suffix) => [`${name}${suffix}`, labelNames] as const)
    }),
  )
}

describe('the triggers of a group', { skip: kubectlMissing || promtoolMissing }, () => {
  const queryOf = (object: string, trigger: string): string => {
    const { spec } = scaledObject.parse(
      renderOverlay('production').find(({ kind, metadata }) => kind === 'ScaledObject' && metadata.name === object),
    )
    return spec.triggers.find(({ name }) => name === trigger)?.metadata['query'] ?? assert.fail(`${object} ${trigger}`)
  }
  const group = 'fanfare.sender.sms.bulk'
  const inFlight = (instance: string, of = group) =>
    `fanfare_consumer_in_flight_records{group="${of}",topic="t",instance="${instance}"}`

  test('take the seconds to drain of the slowest member, of the slowest topic', () => {
    const drain = (instance: string, topic = 't', of = group) =>
      `fanfare_consumer_seconds_to_drain{group="${of}",topic="${topic}",instance="${instance}"}`
    const query = queryOf('sender-sms-bulk', 'seconds-to-drain')
    assertQueries([
      { query, series: { [drain('a')]: '0x20', [drain('b')]: '90x20' }, value: 90 },
      // What counts as the most where nothing is committed comes from the members themselves.
      { query, series: { [drain('a')]: '3600x20' }, value: 3600 },
      { query, series: { [drain('a')]: '0x20' }, value: 0 },
      // No answer is an error to KEDA, and no 0.
      { query, series: { [drain('a', 't', 'another')]: '5x20' }, value: undefined },
    ])
    const retry = 'fanfare.retry.bulk'
    assertQueries([
      {
        query: queryOf('retry-bulk', 'seconds-to-drain'),
        series: { [drain('a', '10s', retry)]: '3x20', [drain('a', '1h', retry)]: '40x20' },
        value: 40,
      },
    ])
  })

  test('keep as many senders as their calls need, sharing the partitions evenly, and never ask for more than there are', () => {
    const query = queryOf('sender-sms-bulk', 'busy')
    const all = (calls: readonly number[]) =>
      Object.fromEntries(calls.map((count, index) => [inFlight(String(index)), `${count}x20`]))
    assertQueries([
      { query, series: all([100, 20]), value: 12 / 9 },
      { query, series: all([80, 80, 80, 80, 80, 80]), value: 6 },
      // Seven are needed; with seven some had two partitions and others one.
      { query, series: all([2000, 80, 80, 80, 80, 80, 80, 10, 10, 10, 10, 10]), value: 12 },
      { query, series: all([90, 90, 90, 90, 90, 90, 90, 90]), value: 8 },
      { query, series: all([0, 0, 0]), value: 1 },
      { query, series: { [inFlight('a', 'another')]: '80x20' }, value: undefined },
    ])
  })

  test('keep as many routers as are busy, by the CPU of their own processes', () => {
    const query = queryOf('router-bulk', 'busy')
    const own = 'fanfare.router.bulk'
    const cpu = (instance: string) => `fanfare_process_cpu_seconds_total{instance="${instance}"}`
    assertQueries([
      // 0.6 of a core, a whole one, and a process that is no router of this lane.
      {
        query,
        series: {
          [inFlight('a', own)]: '5x20',
          [inFlight('b', own)]: '0x20',
          [cpu('a')]: '0+9x20',
          [cpu('b')]: '0+15x20',
          [cpu('c')]: '0+15x20',
        },
        value: 12 / 6,
      },
    ])
  })

  test('count so many calls as a sender may have under way, less a fifth', () => {
    const concurrency = configurationVariables.find(({ name }) => name === 'FANFARE_SENDER_CONCURRENCY')?.default
    assert.match(queryOf('sender-sms-bulk', 'busy'), new RegExp(`, ${Number(concurrency) * 0.8}\\)`))
  })
})
