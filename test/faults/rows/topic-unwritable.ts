/**
 * A topic that takes no records for a while, since fewer replicas are in sync than it asks for: first a channel's, which
 * the router writes to, then the status topic, which senders write to when the provider has been called already.
 *
 * One of three brokers is down, which all other topics get over; this one asks for three. (More than it has replicas is
 * nothing that Kafka holds a topic to.)
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { ConfigResourceTypes, ConfigSource } from 'kafkajs'
import { waitUntil } from '../../../src/local/stack/wait-until.ts'
import type { Bench } from '../supervisor/bench.ts'
import { withAdmin } from '../supervisor/brokers.ts'
import type { SupervisedRole } from '../supervisor/supervised-role.ts'
import { unplannedEnds, type FaultRow } from './fault-row.ts'
import { flowsAgain } from './flow.ts'

const channels = ['sms', 'email', 'ios']
/** Slow enough that calls are under way when the status topic stops to take their outcomes. */
const latency = { kind: 'uniform', fromMs: 300, toMs: 900 } as const
const sendingAfterMs = 400
const tellLimitMs = 15_000
const flowLimitMs = 30_000
/** kafkajs's names for them exist as types only. */
const topicResource: ConfigResourceTypes.TOPIC = 2
const setOnTopic: ConfigSource.TOPIC_CONFIG = 1

export const topicUnwritable: FaultRow = {
  name: 'topic-unwritable',
  fault: 'Topic unwritable (min.insync.replicas) 30 s',
  brokerCount: 3,
  run: async (bench) => {
    const { load, events, random, faultMs } = bench
    const channel = channels[Math.floor(random() * channels.length)] ?? 'sms'
    for (const provider of ['apns', 'twilio', 'sendgrid'] as const) {
      bench.simulator.faults.setBaseLatency(provider, latency)
    }
    const killedMs = performance.now()
    const broker = 1 + Math.floor(random() * bench.world.brokerCount)
    await bench.world.stack.kill('kafka', 'SIGKILL', { broker })
    const complaints = await flowsAgain(bench, `broker ${broker} killed`, killedMs)
    await load.spread(Math.floor(events / 5), faultMs / 6)
    complaints.push(...(await duringWhich(bench, `notifications.${channel}.bulk`, ['router'])))
    await load.publish(Math.floor(events / 5))
    await wait(sendingAfterMs + random() * sendingAfterMs)
    complaints.push(...(await duringWhich(bench, 'notifications.delivery-status', ['router', `sender-${channel}`])))
    await load.publish(Math.max(0, events - load.published()))
    return [...complaints, ...unplannedEnds(bench)]
  },
}

/** The topic takes nothing while events come in; these roles have to say so, and everything flows afterwards. */
async function duringWhich(bench: Bench, topic: string, tellers: readonly string[]): Promise<string[]> {
  const { load, events, faultMs } = bench
  const before = new Map(tellers.map((name) => [name, refusals(bench.role(name))]))
  const putBack = await makeUnwritable(bench, `${bench.topicPrefix}${topic}`)
  let complaints: string[]
  try {
    const over = wait(faultMs)
    await load.spread(Math.floor(events / 5), faultMs / 3)
    complaints = (await Promise.all(tellers.map((name) => untold(bench, name, before.get(name) ?? 0)))).flat()
    if ((await bench.lag('fanfare.router.bulk')) === 0) complaints.push(`nothing waited for ${topic}`)
    await over
  } finally {
    await putBack()
  }
  const flows = await waitUntil(async () => (await bench.lag('fanfare.router.bulk')) === 0, {
    timeoutMs: flowLimitMs,
    intervalMs: 100,
  })
  return flows.met
    ? complaints
    : [...complaints, `${topic} is writable again, and nothing flows after ${flowLimitMs} ms`]
}

/** Two replicas are in sync, it now asks for three. @returns what makes it writable again. */
async function makeUnwritable({ world }: Bench, topic: string): Promise<() => Promise<void>> {
  const alter = (settings: Map<string, string>) =>
    withAdmin(world.stack.kafka.brokers, async (admin) => {
      const configEntries = [...settings].map(([name, value]) => ({ name, value }))
      const resources = [{ type: topicResource, name: topic, configEntries }]
      await admin.alterConfigs({ validateOnly: false, resources })
    })
  const before = await ownSettings(world.stack.kafka.brokers, topic)
  await alter(new Map([...before, ['min.insync.replicas', '3']]))
  return () => alter(before)
}

/** Those that differ from the broker's: changing one means telling all of them. */
async function ownSettings(brokers: readonly string[], topic: string): Promise<Map<string, string>> {
  const resources = [{ type: topicResource, name: topic }]
  const described = await withAdmin(brokers, (admin) => admin.describeConfigs({ resources, includeSynonyms: false }))
  const entries = described.resources[0]?.configEntries ?? []
  return new Map(
    entries
      .filter(({ configSource }) => configSource === setOnTopic)
      .map(({ configName, configValue }) => [configName, configValue]),
  )
}

/** A line that names the error and what it waits for. */
async function untold(bench: Bench, name: string, before: number): Promise<string[]> {
  const role = bench.role(name)
  const told = await waitUntil(() => refusals(role) > before, { timeoutMs: tellLimitMs, intervalMs: 100 })
  return told.met ? [] : [`${name} says nothing about a topic that it cannot write to`]
}

function refusals(role: SupervisedRole): number {
  const lines = role.logTail(Infinity).split('\n')
  return lines.filter((line) => line.includes('"dependency":"kafka"') && line.includes('"NOT_ENOUGH_REPLICAS"')).length
}
