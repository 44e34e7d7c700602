/**
 * `fanfare deliveries list|resolve`: deliveries by their state, and a person's decision about those that are held.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import { channels, type Channel } from '../domain/channel.ts'
import { deliveryStates, type DeliveryState } from '../domain/delivery-state.ts'
import { isUuid } from '../domain/identity.ts'
import { readRecord } from '../kafka/topic-scan.ts'
import { createAvroReader } from '../kafka/registry/avro-reader.ts'
import { createNotificationLog } from '../postgres/notification-log.ts'
import { createOperatorActions } from '../postgres/operator-actions.ts'
import { listDeliveries, loadDeliveries, resolveHeldDelivery } from '../postgres/stored-deliveries.ts'
import { sha1, type DeliveryInfrastructure } from '../roles/infrastructure.ts'
import { resolveHeld, type Resolution, type ResolvePorts } from '../services/held-deliveries/resolve.ts'
import { deliveryTable, resolutionSentence } from './delivery-text.ts'
import { openReadingPool, withDeliveryTools } from './delivery-tools.ts'
import { exitCodes } from './exit-code.ts'
import { momentArgument } from './moment-argument.ts'
import { operatorOption } from './operator.ts'
import { wholeNumberArgument } from './whole-number.ts'

const limitMax = 10_000
const listedByDefault = 50
/** Partitions are kept for so long. */
const sinceByDefault = '45d'

export function deliveriesCommand(): Command {
  return new Command('deliveries')
    .description('list deliveries by their state, and decide about those that are held')
    .addCommand(listCommand())
    .addCommand(resolveCommand())
}

interface ListFlags {
  state: DeliveryState
  channel?: Channel
  since: number
  limit: number
}

function listCommand(): Command {
  return new Command('list')
    .description('list deliveries, the one that changed last first')
    .addOption(new Option('--state <state>', 'the state').choices(deliveryStates).default('unknown'))
    .addOption(new Option('--channel <channel>', 'only of this channel').choices(channels))
    .addOption(
      new Option('--since <moment>', 'of events created since: 2h, 3d, 2026-11-22T10:00Z')
        .argParser(momentArgument)
        .default(momentArgument(sinceByDefault), 'all that is kept'),
    )
    .option('--limit <count>', 'at most so many', wholeNumberArgument(1, limitMax), listedByDefault)
    .addHelpText(
      'after',
      '\nShows no address. Reads whole days of deliveries: give --since where there are many.\n\nExamples:\n  fanfare deliveries list --state unknown\n  fanfare deliveries list --state retrying --channel sms --since 2h --limit 200',
    )
    .action(async ({ state, channel, since, limit }: ListFlags) => {
      const { pool } = openReadingPool('deliveries')
      try {
        const found = await listDeliveries(pool, { state, channel: channel ?? null, sinceMs: since, limit })
        process.stdout.write(found.length === 0 ? `no delivery is ${state}\n` : `${deliveryTable(found)}\n`)
        if (found.length === limit) process.stdout.write(`the first ${limit}; there may be more (--limit)\n`)
      } finally {
        await pool.close()
      }
    })
}

interface ResolveFlags {
  sent?: true
  resend?: true
  as: string
}

function resolveCommand(): Command {
  const command = new Command('resolve')
    .description('decide about a delivery that is held because nobody can tell whether it was accepted')
    .argument('<delivery-id>', 'as `deliveries list` shows it', deliveryIdArgument)
    .option('--sent', 'the provider has it: settle it as sent')
    .option('--resend', 'the provider has it not: send it again')
    .addOption(operatorOption())
    .addHelpText(
      'after',
      '\nLook into the provider’s own log first: --resend may reach the person twice. The decision is recorded.\n\nExamples:\n  fanfare deliveries resolve 0199f0c2-8d8e-8c3a-9b1d-2f6f2f0c7a11 --sent\n  fanfare deliveries resolve 0199f0c2-8d8e-8c3a-9b1d-2f6f2f0c7a11 --resend --as ada',
    )
  return command.action(async (deliveryId: string, { sent, resend, as: operator }: ResolveFlags) => {
    if ((sent === undefined) === (resend === undefined)) {
      return command.error("error: exactly one of '--sent' and '--resend' is needed")
    }
    const resolution: Resolution = sent === undefined ? 'resend' : 'sent'
    const resolved = await withDeliveryTools('deliveries', (tools) =>
      resolveHeld(deliveryId, resolution, resolvePorts(tools, operator)),
    )
    const isDone = resolved.kind === 'resolved' || resolved.kind === 'repeated'
    const output = isDone ? process.stdout : process.stderr
    output.write(`${resolutionSentence(deliveryId, resolution, resolved, Date.now())}\n`)
    if (!isDone) process.exitCode = exitCodes.failure
  })
}

const resolveAction = 'deliveries.resolve'
const stateOf = { sent: 'sent', resend: 'retrying' } as const

function resolvePorts(tools: DeliveryInfrastructure, operator: string): ResolvePorts {
  const { pool, producer, topics, commandWriter, statusWriter, kafka, schemas } = tools
  const actions = createOperatorActions(pool)
  const log = createNotificationLog(pool)
  const reader = createAvroReader({ schemas, records: ['NotificationRequested', 'NotificationCancelled'] })
  return {
    load: async (deliveryId) => (await loadDeliveries(pool, [deliveryId])).get(deliveryId.toLowerCase()),
    resolve: ({ deliveryId, hop }, resolution, beforeCommit) => {
      const action = { operator, action: resolveAction, target: deliveryId, choices: { resolution } }
      return resolveHeldDelivery(pool, { deliveryId, hop, state: stateOf[resolution], action }, beforeCommit)
    },
    wasResolved: (deliveryId, resolution) =>
      actions.wasBegun({ action: resolveAction, target: deliveryId, choices: { resolution } }),
    lookUp: (keys) => log.lookUp(keys),
    readRequest: async ({ lane, partition, offset }) => {
      const record = await readRecord(kafka, { topic: topics.requested(lane), partition, offset })
      if (record === undefined) return undefined
      const [decoded] = await reader.decodeChunk([record.value])
      if (decoded?.kind !== 'record' || decoded.name !== 'NotificationRequested') return undefined
      return { event: decoded.value, headers: record.headers }
    },
    publish: (records) => producer.send(records),
    encodeCommand: (command) => commandWriter.encode(command),
    encodeStatus: (status) => statusWriter.encode(status),
    topics,
    sha1,
    now: Date.now,
  }
}

function deliveryIdArgument(given: string): string {
  if (isUuid(given)) return given.toLowerCase()
  throw new InvalidArgumentError('It must be a UUID.')
}
