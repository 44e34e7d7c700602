/**
 * The sender of one channel and lane: channel topic → provider, statuses and dead letters.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConfiguredProvider } from '../configuration/provider-settings.ts'
import { requestChannelOf, type Channel, type Lane } from '../domain/channel.ts'
import { answerGraceMs, type Outcome, type Provider } from '../domain/provider.ts'
import { deadLetterRecord, redactedLine } from '../kafka/dead-letter.ts'
import { startHandOffConsumer } from '../kafka/hand-off-consumer.ts'
import { createAvroReader } from '../kafka/registry/avro-reader.ts'
import type { RunningConsumer } from '../kafka/running-consumer.ts'
import { createDeliveries } from '../postgres/deliveries.ts'
import { createTemplates } from '../postgres/templates.ts'
import { isDataFault } from '../postgres/data-fault.ts'
import type { CommandReader, SenderObservation, SenderPorts } from '../services/sender/ports.ts'
import { createFailureWatch, failureWatchLimits } from '../services/sender/failure-watch.ts'
import { createRenderer } from '../services/sender/render.ts'
import { createSender } from '../services/sender/sender.ts'
import type { SenderSettings } from '../services/sender/sender-settings.ts'
import { consumerTelemetry } from './consumer-telemetry.ts'
import {
  addressHasher,
  deliverySections,
  openDeliveryInfrastructure,
  sha1,
  sha256,
  type DeliveryInfrastructure,
} from './infrastructure.ts'
import { createProvider, preferredProvider } from './providers.ts'
import type { RoleContext } from './role.ts'
import { closingAfter, runRole, type RoleParts } from './running-role.ts'

/** Queued records of a partition, in multiples of the calls under way: enough that a pause never starves the gate. */
const highMarkPerCall = 20
const lowMarkPerCall = 8
/** Records that may lie between the oldest incomplete one and the newest started one. */
const windowPerCall = 50

export interface SendersConfiguration {
  concurrency: number
  leaseMs: number
  hashKey: Uint8Array
  providers: Readonly<Record<Channel, ConfiguredProvider[]>>
}

export async function run(context: RoleContext): Promise<void> {
  await runRole(
    {
      role: 'sender',
      sections: ['channel', 'lane', 'sender', 'addresses', 'providers', ...deliverySections],
      start: async (infrastructure, own) => {
        const { channel, lane, sender, addresses, providers } = own
        const opened = await openDeliveryInfrastructure(infrastructure, own)
        const served = [{ channel: channel.channel, lane: lane.lane }]
        const senders = await startSenders(opened, served, { ...sender, hashKey: addresses.hashKey, providers })
        return closingAfter(senders, opened)
      },
    },
    context,
  )
}

export async function startSenders(
  infrastructure: DeliveryInfrastructure,
  served: readonly { channel: Channel; lane: Lane }[],
  configuration: SendersConfiguration,
): Promise<RoleParts> {
  const started = await Promise.all(
    served.map(({ channel, lane }) => startSender(infrastructure, { channel, lane, configuration })),
  )
  return {
    consumers: started.map(({ consumer }) => consumer),
    close: async () => {
      await Promise.all(started.map(({ provider }) => provider.close()))
    },
  }
}

interface SenderStart {
  channel: Channel
  lane: Lane
  configuration: SendersConfiguration
}

async function startSender(
  infrastructure: DeliveryInfrastructure,
  { channel, lane, configuration }: SenderStart,
): Promise<{ consumer: RunningConsumer; provider: Provider }> {
  const { topics, kafka, producer, consumerMetrics, log, fatal, processId } = infrastructure
  const { concurrency, leaseMs } = configuration
  const configured = preferredProvider(configuration.providers, channel)
  const provider = createProvider(configured)
  const settings: SenderSettings = {
    channel,
    lane,
    concurrency,
    leaseMs,
    callBudgetMs: configured.settings.timeoutMs + answerGraceMs,
    owner: processId,
  }
  const group = topics.group('sender', channel, lane)
  const { sessionTimeoutMs, drainBudgetMs, chunkSize } = infrastructure.configuration.consumer
  const consumer = await startHandOffConsumer({
    connection: { ...kafka, clientId: `${kafka.clientId}-${channel}-${lane}` },
    groupId: group,
    topics: [topics.deliveries(channel, lane)],
    sessionTimeoutMs,
    drainBudgetMs,
    chunkSize,
    queueLimits: {
      highMark: concurrency * highMarkPerCall,
      lowMark: concurrency * lowMarkPerCall,
      window: concurrency * windowPerCall,
    },
    report: consumerTelemetry({ group, metrics: consumerMetrics, log: log.child({ channel, lane }) }),
    fatal,
    clock: () => performance.now(),
    handler: createSender(settings, senderPorts(infrastructure, provider, configuration.hashKey, settings)),
    deadLetter: async (record, error) => {
      const reason = isDataFault(error) ? 'data_error' : 'internal_error'
      await producer.send([deadLetterRecord(topics.deliveriesDeadLetter(channel), record, reason, redactedLine(error))])
      return reason
    },
  })
  return { consumer, provider }
}

function senderPorts(
  infrastructure: DeliveryInfrastructure,
  provider: Provider,
  hashKey: Uint8Array,
  settings: SenderSettings,
): SenderPorts {
  const { pool, producer, schemas, statusWriter, topics, now } = infrastructure
  const templates = createTemplates(pool)
  const hash = addressHasher(hashKey)
  return {
    reader: commandReader(schemas),
    rows: createDeliveries(pool),
    renderer: createRenderer((keys) => templates.loadContents(keys)),
    provider,
    publish: (records) => producer.send(records),
    deadLetter: (topic, record, reason) => deadLetterRecord(topic, record, reason, null),
    encodeStatus: (status) => statusWriter.encode(status),
    topics,
    hashAddress: (channel, address) => hash(requestChannelOf(channel), address),
    sha1,
    sha256,
    now,
    monotonicNow: () => performance.now(),
    sleep: async (ms, signal) => {
      await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {})
    },
    observe: senderTelemetry(infrastructure, settings),
  }
}

function senderTelemetry(
  { deliveryMetrics, consumerMetrics, log, topics }: DeliveryInfrastructure,
  { channel, lane }: SenderSettings,
): (observation: SenderObservation) => void {
  const group = topics.group('sender', channel, lane)
  const logger = log.child({ channel, lane })
  const failures = createFailureWatch(failureWatchLimits)
  return (observation) => {
    switch (observation.kind) {
      case 'claimed':
        return deliveryMetrics.claims.inc({ channel, action: observation.action }, observation.count)
      case 'called': {
        const { provider, outcome, durationMs, messages } = observation
        const reason = outcome.kind === 'accepted' ? '' : outcome.reason
        deliveryMetrics.providerCalls.inc({ channel, provider, outcome: outcome.kind, reason }, messages)
        const repeated = isOurs(outcome) ? failures.observe(reason, messages, performance.now()) : undefined
        if (repeated !== undefined) {
          deliveryMetrics.repeatedFailures.inc({ channel, reason })
          logger.error({ provider, ...repeated }, 'the same failure repeats')
        }
        return deliveryMetrics.providerCallDuration.observe({ channel, provider }, durationMs / 1_000)
      }
      case 'sent':
        return deliveryMetrics.endToEndLatency.observe({ lane, channel }, observation.latencyMs / 1_000)
      case 'status':
        return deliveryMetrics.statuses.inc({
          status: observation.status.status,
          reason: observation.status.reason ?? '',
        })
      case 'dead_letter': {
        const { topic, reason } = observation
        return consumerMetrics.deadLetters.inc({ group, topic, reason })
      }
      case 'unavailable': {
        const { stage, fault, attempt } = observation
        consumerMetrics.faults.inc({ group, dependency: fault.dependency })
        return logger.warn(
          { stage, dependency: fault.dependency, code: fault.code, attempt },
          'waiting for a dependency',
        )
      }
      case 'held':
        return logger.error(observation, 'the provider refuses our account: holding the channel')
      case 'late_result':
        return logger.warn(observation, 'a result came after its hop had moved on')
    }
  }
}

/** Failures that developers can mend. Addresses die all the time, and their repetition says nothing. */
function isOurs(outcome: Outcome): boolean {
  return outcome.kind !== 'accepted' && !(outcome.kind === 'rejected' && outcome.invalidAddress === true)
}

function commandReader(schemas: DeliveryInfrastructure['schemas']): CommandReader {
  const reader = createAvroReader({ schemas, records: ['DeliveryCommand'] })
  return {
    decode: async (values) =>
      (await reader.decodeChunk(values)).map((decoded) =>
        decoded.kind === 'poison' ? decoded : { kind: 'command', command: decoded.value },
      ),
  }
}
