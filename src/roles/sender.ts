/**
 * The sender of one channel and lane: channel topic → provider, statuses and dead letters.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Configuration } from '../config.ts'
import type { ConfiguredProvider } from '../configuration/provider-settings.ts'
import { requestChannelOf, type Channel, type Lane } from '../domain/channel.ts'
import { messageLinksOf } from '../domain/message-links.ts'
import { answerGraceMs, type Provider } from '../domain/provider.ts'
import { deadLetterRecord, redactedLine } from '../kafka/dead-letter.ts'
import { startHandOffConsumer } from '../kafka/hand-off-consumer.ts'
import { createAvroReader } from '../kafka/registry/avro-reader.ts'
import type { AvroWriter } from '../kafka/registry/avro-writer.ts'
import type { RunningConsumer } from '../kafka/running-consumer.ts'
import { createDeliveries } from '../postgres/deliveries.ts'
import { createTemplates } from '../postgres/templates.ts'
import { isDataFault } from '../postgres/data-fault.ts'
import type { CommandReader, SenderObservation, SenderPorts } from '../services/sender/ports.ts'
import { createFailureWatch, failureWatchLimits, isWatched } from '../services/sender/failure-watch.ts'
import { createRenderer } from '../services/sender/render.ts'
import type { ChannelLimits } from '../services/sender/channel-limits.ts'
import type { ChannelPauses } from '../services/sender/channel-pauses.ts'
import { createSender } from '../services/sender/sender.ts'
import type { SenderSettings } from '../services/sender/sender-settings.ts'
import { openChannelLimits } from './channel-limits.ts'
import { openChannelPauses } from './channel-pauses.ts'
import { consumerTelemetry } from './consumer-telemetry.ts'
import { openFailureAlerts } from './failure-alerts.ts'
import {
  addressHasher,
  deliverySections,
  openDeliveryInfrastructure,
  sha1,
  sha256,
  type DeliveryInfrastructure,
} from './infrastructure.ts'
import { linkMaking } from './link-keys.ts'
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
  /** Who is notified of failures that repeat; null: nobody. */
  onCallUserId: number | null
  hashKey: Uint8Array
  providers: Readonly<Record<Channel, ConfiguredProvider[]>>
  links: Configuration['links']
}

/** What the role reads of the configuration besides what every role does. */
export const senderSections = [
  'channel',
  'lane',
  'sender',
  'addresses',
  'providers',
  'links',
  ...deliverySections,
] as const

export async function run(context: RoleContext): Promise<void> {
  await runRole(
    {
      role: 'sender',
      sections: senderSections,
      start: async (infrastructure, own) => {
        const { channel, lane, sender, addresses, providers, links } = own
        const opened = await openDeliveryInfrastructure(infrastructure, own)
        const served = [{ channel: channel.channel, lane: lane.lane }]
        const senders = await startSenders(opened, served, { ...sender, hashKey: addresses.hashKey, providers, links })
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
  // Before the first record: a sender that is started again on a paused channel must not call.
  const pauses = await openChannelPauses(infrastructure, served)
  const feedbackWriter = await infrastructure.openFeedbackWriter()
  const limits = openChannelLimits(infrastructure, served, configuration.concurrency)
  const shared = { configuration, pauses, limits, feedbackWriter }
  const started = await Promise.all(
    served.map(({ channel, lane }) => startSender(infrastructure, { channel, lane, ...shared })),
  )
  return {
    consumers: started.map(({ consumer }) => consumer),
    close: async () => {
      await pauses.stop()
      await limits.stop()
      await Promise.all(started.map(({ provider }) => provider.close()))
    },
  }
}

interface SenderStart {
  channel: Channel
  lane: Lane
  configuration: SendersConfiguration
  pauses: ChannelPauses
  limits: ChannelLimits
  feedbackWriter: AvroWriter<'ProviderFeedback'>
}

async function startSender(
  infrastructure: DeliveryInfrastructure,
  { channel, lane, configuration, pauses, limits, feedbackWriter }: SenderStart,
): Promise<{ consumer: RunningConsumer; provider: Provider }> {
  const { topics, kafka, producer, consumerMetrics, log, now, fatal, processId } = infrastructure
  const { concurrency, leaseMs } = configuration
  const configured = preferredProvider(configuration.providers, channel)
  const provider = createProvider(configured, { now })
  const settings: SenderSettings = {
    channel,
    lane,
    concurrency: () => limits.of({ channel, lane }),
    leaseMs,
    callBudgetMs: configured.settings.timeoutMs + answerGraceMs,
    owner: processId,
  }
  const own: OwnPorts = {
    provider,
    pause: pauses.of(settings),
    encodeFeedback: (feedback) => feedbackWriter.encode(feedback),
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
    handler: createSender(settings, senderPorts(infrastructure, own, configuration, settings)),
    deadLetter: async (record, error) => {
      const reason = isDataFault(error) ? 'data_error' : 'internal_error'
      await producer.send([deadLetterRecord(topics.deliveriesDeadLetter(channel), record, reason, redactedLine(error))])
      return reason
    },
  })
  return { consumer, provider }
}

type OwnPorts = Pick<SenderPorts, 'provider' | 'pause' | 'encodeFeedback'>

function senderPorts(
  infrastructure: DeliveryInfrastructure,
  own: OwnPorts,
  { hashKey, onCallUserId, links }: SendersConfiguration,
  settings: SenderSettings,
): SenderPorts {
  const { pool, producer, schemas, statusWriter, topics, now } = infrastructure
  const templates = createTemplates(pool)
  const hash = addressHasher(hashKey)
  const making = linkMaking(links)
  return {
    reader: commandReader(schemas),
    rows: createDeliveries(pool),
    renderer: createRenderer(
      (keys) => templates.loadContents(keys),
      making === undefined ? undefined : (delivery) => messageLinksOf(delivery, making),
    ),
    ...own,
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
    observe: senderTelemetry(infrastructure, settings, onCallUserId),
  }
}

function senderTelemetry(
  infrastructure: DeliveryInfrastructure,
  { channel, lane }: SenderSettings,
  onCallUserId: number | null,
): (observation: SenderObservation) => void {
  const { deliveryMetrics, consumerMetrics, log, topics, now } = infrastructure
  const group = topics.group('sender', channel, lane)
  const logger = log.child({ channel, lane })
  const failures = createFailureWatch(failureWatchLimits)
  const alerts = openFailureAlerts(infrastructure, onCallUserId)
  return (observation) => {
    switch (observation.kind) {
      case 'claimed':
        return deliveryMetrics.claims.inc({ channel, action: observation.action }, observation.count)
      case 'called': {
        const { provider, category, outcome, durationMs, messages } = observation
        const reason = outcome.kind === 'accepted' ? '' : outcome.reason
        deliveryMetrics.providerCalls.inc({ channel, provider, outcome: outcome.kind, reason }, messages)
        const repeated = isWatched(outcome, category) ? failures.observe(reason, messages, now()) : undefined
        if (repeated !== undefined) {
          deliveryMetrics.repeatedFailures.inc({ channel, reason })
          logger.error({ provider, ...repeated }, 'the same failure repeats')
          alerts.raise({ channel, lane, provider, ...repeated })
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
      case 'waiting':
        return deliveryMetrics.retries.inc({ channel, lane, rung: observation.rung })
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

function commandReader(schemas: DeliveryInfrastructure['schemas']): CommandReader {
  const reader = createAvroReader({ schemas, records: ['DeliveryCommand'] })
  return {
    decode: async (values) =>
      (await reader.decodeChunk(values)).map((decoded) =>
        decoded.kind === 'poison' ? decoded : { kind: 'command', command: decoded.value },
      ),
  }
}
