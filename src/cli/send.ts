/**
 * `fanfare send`: publishes notification events as a service would, and prints their ids.
 */
import { randomBytes } from 'node:crypto'
import { Command, Option } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { lanes, type Lane, type RequestChannel } from '../domain/channel.ts'
import type { NotificationRequested, TemplateData } from '../domain/notification.ts'
import { topicNames } from '../domain/topic-names.ts'
import { channelsArgument, dataArgument, durationArgument } from './event-arguments.ts'
import { startEventProducer } from './event-producer.ts'
import { paced } from './paced.ts'
import { shutdownSignal } from './shutdown-signal.ts'
import { uuidV7 } from '../domain/uuid-v7.ts'
import { wholeNumberArgument } from './whole-number.ts'

export interface SendFlags {
  user: number
  category?: string
  template?: string
  data: TemplateData
  channels?: RequestChannel[]
  lane: Lane
  locale?: string
  collapseKey?: string
  expiresIn?: number
  source: string
  count: number
  rate: number
}

const countMax = 1_000_000
const rateMax = 10_000

const examples = `
Examples:
  fanfare send --user 17 --category login-code --data code=424242 --data minutes:=10
  fanfare send --user 17 --template back-in-stock --lane bulk --data item_name=Umbrella --data 'date=1 October'
  fanfare send --user 17 --category order-receipt --channels email --expires-in 2h --data order_id=A-1 \\
    --data total=€12.00 --data 'lines:=[{"name":"Umbrella","quantity":1,"price":"€12.00"}]'`

export function sendCommand(): Command {
  const command = new Command('send')
    .description('publish notification events as a service would, and print their ids')
    .requiredOption('--user <id>', 'the recipient', wholeNumberArgument(1, Number.MAX_SAFE_INTEGER - 1))
    .option('--category <name>', 'its rules and, unless said otherwise, its template (default: as the template)')
    .option('--template <id>', 'another template than the category’s')
    .addOption(
      new Option('--data <name=value>', 'a parameter of the template; name:=json for other than text')
        .argParser(dataArgument)
        .default({}, 'none'),
    )
    .option('--channels <list>', 'push, sms, email (default: the category’s)', channelsArgument)
    .addOption(new Option('--lane <lane>', 'the lane').choices(lanes).default('transactional'))
    .option('--locale <tag>', 'goes before the person’s own')
    .option('--collapse-key <key>', 'a later push with the same key replaces this one')
    .option('--expires-in <duration>', '90s, 10m, 2h, 1d (default: the category’s time to live)', durationArgument)
    .option('--source <app>', 'the app that asks', 'fanfare-send')
    .option('--count <number>', 'events, each with an id of its own', wholeNumberArgument(1, countMax), 1)
    .option('--rate <number>', 'events a second at most', wholeNumberArgument(1, rateMax), 100)
    .addHelpText('after', `${examples}\n\nWhat became of one: fanfare status <id>`)
  return command.action(async (flags: SendFlags) => {
    const { category = flags.template } = flags
    if (category === undefined) return command.error("error: one of '--category' and '--template' is needed")
    await send(flags, category)
  })
}

async function send(flags: SendFlags, category: string): Promise<void> {
  const { kafka, registry, topics } = readConfiguration(processEnvironment(), ['kafka', 'registry', 'topics'])
  const producer = await startEventProducer({
    kafka: { brokers: kafka.brokers, clientId: 'fanfare-send', log: () => {} },
    registry: registry.service,
    topics: topicNames(topics.prefix),
  })
  try {
    const signal = shutdownSignal()
    const sent = await paced({ total: flags.count, perSecond: flags.rate, signal }, async (_first, count) => {
      const events = Array.from({ length: count }, () => requestOf(flags, category, Date.now()))
      await producer.publish(events.map((event) => ({ lane: flags.lane, event })))
      // Only what the broker has acknowledged.
      process.stdout.write(events.map(({ notificationId }) => `${notificationId}\n`).join(''))
    })
    if (sent < flags.count) process.stderr.write(`interrupted after ${sent} of ${flags.count}\n`)
  } finally {
    await producer.close()
  }
}

/** The event that the flags describe, with an id of its own. */
export function requestOf(flags: SendFlags, category: string, nowMs: number): NotificationRequested {
  return {
    notificationId: uuidV7(nowMs, randomBytes(10)),
    source: flags.source,
    userId: flags.user,
    category,
    template: flags.template ?? null,
    locale: flags.locale ?? null,
    data: flags.data,
    channels: flags.channels ?? null,
    sendAt: null,
    expiresAt: flags.expiresIn === undefined ? null : nowMs + flags.expiresIn,
    collapseKey: flags.collapseKey ?? null,
    createdAt: nowMs,
  }
}
