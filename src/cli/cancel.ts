/**
 * `fanfare cancel`: stops what nobody has claimed of a notification, and says what it found.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { lanes, type Lane } from '../domain/channel.ts'
import type { Cancellation } from '../domain/cancellation.ts'
import { dayOf, isUuid } from '../domain/identity.ts'
import type { NotificationKey } from '../domain/notification-log.ts'
import { createNotificationLog } from '../postgres/notification-log.ts'
import { createOperatorActions } from '../postgres/operator-actions.ts'
import { createTimelines } from '../postgres/timeline.ts'
import { createCaps } from '../redis/caps.ts'
import { connectRedis, untilRedisReady } from '../redis/connection.ts'
import { sha1, type DeliveryInfrastructure } from '../roles/infrastructure.ts'
import { cancelAndTell } from '../services/router/cancel.ts'
import type { CancelRequest } from '../services/router/decode.ts'
import { withDeliveryTools } from './delivery-tools.ts'
import { exitCodes } from './exit-code.ts'
import { momentArgument } from './moment-argument.ts'
import { operatorOption } from './operator.ts'
import { wholeNumberArgument } from './whole-number.ts'

interface CancelFlags {
  source?: string
  user?: number
  createdAt?: number
  lane: Lane
  as: string
}

/** Without Redis the place under a cap stays taken, which is a place too many and no more. */
const redisPatienceMs = 1_000

export function cancelCommand(): Command {
  const command = new Command('cancel')
    .description('stop what nobody has claimed of a notification, and say what was found')
    .argument('<notification-id>', 'as its producer chose it', notificationId)
    .option('--source <app>', 'the app that asked, where two use the same id')
    .option('--user <id>', 'for one that has not come yet', wholeNumberArgument(1, Number.MAX_SAFE_INTEGER - 1))
    .option('--created-at <time>', 'for one that has not come yet: its createdAt', momentArgument)
    .addOption(new Option('--lane <lane>', 'for one that has not come yet').choices(lanes).default('transactional'))
    .addOption(operatorOption())
    .addHelpText(
      'after',
      '\nOne that has not come yet is cancelled by --source, --user and --created-at: when it comes, it is not sent.\n\nExamples:\n  fanfare cancel 0199f0c2-8d8e-7c3a-9b1d-2f6f2f0c7a11\n  fanfare cancel 0199f0c2-8d8e-7c3a-9b1d-2f6f2f0c7a11 --source shop --user 17 --created-at 2026-11-22T10:00Z',
    )
  return command.action(async (id: string, flags: CancelFlags) => {
    await withDeliveryTools('cancel', async (tools) => {
      const request = await find(id, flags, tools)
      if (typeof request === 'string') return command.error(`error: ${request}`)
      const found = await cancel(request, flags.as, tools)
      const isStopped = tooLate(found).length === 0
      const output = isStopped ? process.stdout : process.stderr
      output.write(`${sentence(id, found)}\n`)
      if (!isStopped) process.exitCode = exitCodes.failure
    })
  })
}

/** @returns the notification, or what is missing to name it. */
async function find(id: string, flags: CancelFlags, { pool }: DeliveryInfrastructure): Promise<CancelRequest | string> {
  const notificationId = id.toLowerCase()
  const known = await createTimelines(pool).loadTimeline(notificationId, flags.source)
  const sources = new Set(known.map(({ source }) => source))
  if (sources.size > 1) return `${id} is an id of ${[...sources].join(' and ')}: say which with --source`
  const timeline = known.at(-1)
  if (timeline !== undefined) {
    const { source, day, userId, createdAtMs, lane } = timeline
    const key: NotificationKey = { notificationId, source, day }
    return { key, event: { userId, createdAt: createdAtMs ?? Date.parse(day) }, lane: lane ?? flags.lane }
  }
  const { source, user, createdAt, lane } = flags
  if (source === undefined || user === undefined || createdAt === undefined) {
    return `${id} has not come: --source, --user and --created-at name one that is still to come`
  }
  return { key: { notificationId, source, day: dayOf(createdAt) }, event: { userId: user, createdAt }, lane }
}

async function cancel(request: CancelRequest, operator: string, tools: DeliveryInfrastructure): Promise<Cancellation> {
  const { pool, producer, statusWriter, topics, configuration, now } = tools
  const redis = connectRedis({ ...readConfiguration(processEnvironment(), ['redis']).redis, lost: () => {} })
  try {
    await untilRedisReady(redis, redisPatienceMs)
    const actions = createOperatorActions(pool)
    const { notificationId, source } = request.key
    const action = { operator, action: 'cancel', target: notificationId, choices: { source } }
    const actionId = await actions.begin(action)
    const { found, statuses } = await cancelAndTell(request, {
      log: createNotificationLog(pool),
      caps: createCaps({ redis, keyPrefix: configuration.topics.prefix, failed: () => {} }),
      encodeStatus: (status) => statusWriter.encode(status),
      topics,
      sha1,
      now,
      observe: () => {},
    })
    // Interrupted before this: the same command again publishes the same statuses.
    await producer.send(statuses)
    await actions.end(actionId, { cancelled: statuses.length, tooLate: tooLate(found).length })
    return found
  } finally {
    redis.disconnect()
  }
}

function tooLate({ deliveries }: Cancellation): Cancellation['deliveries'] {
  return deliveries.filter(({ state }) => state !== 'cancelled')
}

function sentence(id: string, cancellation: Cancellation): string {
  const { found, deliveries } = cancellation
  if (found === 'absent') return `${id} has not come yet; when it does, it is not sent`
  if (found === 'deferred') return `${id} was waiting; it is cancelled`
  if (deliveries.length === 0) return `${id} had nothing to stop: ${found}`
  const late = tooLate(cancellation)
  const stopped = `${deliveries.length - late.length} of ${deliveries.length} deliveries of ${id} are cancelled`
  if (late.length === 0) return stopped
  return `${stopped}; too late for ${late.map(({ channel, state }) => `${channel} (${state})`).join(', ')}`
}

function notificationId(given: string): string {
  if (isUuid(given)) return given
  throw new InvalidArgumentError('It must be a UUID.')
}
