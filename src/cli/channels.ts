/**
 * `fanfare channels list|pause|resume|limit|unlimit`: which channels an operator holds back or slows down, and the words that
 * do it.
 */
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { channels, lanes, type Channel, type Lane } from '../domain/channel.ts'
import { limitChannel, loadChannelLimits, unlimitChannel } from '../postgres/channel-limits.ts'
import { loadChannelPauses, pauseChannel, resumeChannel } from '../postgres/channel-pauses.ts'
import { createHotPathPool, type HotPathPool } from '../postgres/hot-path-pool.ts'
import { channelTable, limitSentence, pauseSentence, resumeSentence, unlimitSentence } from './channel-text.ts'
import { durationArgument } from './event-arguments.ts'
import { operatorOption } from './operator.ts'
import { wholeNumberArgument } from './whole-number.ts'

const reasonLengthMax = 200
/** Longer than any delivery may wait. */
const pauseMaxMs = 30 * 86_400_000
/** Longer, and it is the configuration that should change. */
const limitMaxMs = 7 * 86_400_000
/** As of FANFARE_SENDER_CONCURRENCY. */
const callsMax = 10_000

export function channelsCommand(): Command {
  return new Command('channels')
    .description('hold a channel back or slow it down, and let it go on')
    .addCommand(listCommand())
    .addCommand(pauseCommand())
    .addCommand(resumeCommand())
    .addCommand(limitCommand())
    .addCommand(unlimitCommand())
}

const channelArgument = () => new Argument('<channel>', 'the channel').choices(channels)
const laneOption = () => new Option('--lane <lane>', 'only this lane, instead of both').choices(lanes)

function listCommand(): Command {
  return new Command('list')
    .description('list every channel and lane, and who holds it back or slows it down, and why')
    .addHelpText('after', '\nExample:\n  fanfare channels list')
    .action(async () => {
      const [pauses, limits] = await withPool((pool) => Promise.all([loadChannelPauses(pool), loadChannelLimits(pool)]))
      process.stdout.write(`${channelTable(pauses)}\n`)
      for (const limit of limits)
        process.stdout.write(`${limitSentence(limit)}, by ${limit.limitedBy}: ${limit.reason}\n`)
    })
}

interface PauseFlags {
  lane?: Lane
  reason: string
  for?: number
  as: string
}

function pauseCommand(): Command {
  return new Command('pause')
    .description('start no provider call on a channel until it is resumed')
    .addArgument(channelArgument())
    .addOption(laneOption())
    .requiredOption('--reason <text>', 'why, for the list and the record', reasonArgument)
    .option('--for <duration>', 'go on by itself after this: 30m, 2h', pauseDurationArgument)
    .addOption(operatorOption())
    .addHelpText(
      'after',
      '\nSenders notice within a second; calls that are under way end as always. What waits is not lost: it is sent when the\nchannel is resumed, unless its time is over by then (`expired`). Once more changes the reason and the end.\n\nExamples:\n  fanfare channels pause sms --reason "provider maintenance" --for 2h\n  fanfare channels pause email --lane bulk --reason "wrong template in the campaign" --as ada',
    )
    .action(async (channel: Channel, { lane, reason, for: forMs, as: operator }: PauseFlags) => {
      const durationMs = forMs ?? null
      const chosen = lanesOf(lane)
      const choices = { lanes: chosen, reason, durationMs }
      const action = { operator, action: 'channels.pause', target: channel, choices }
      const pauses = await withPool((pool) =>
        pauseChannel(pool, { channel, lanes: chosen, durationMs, reason, action }),
      )
      for (const pause of pauses) process.stdout.write(`${pauseSentence(pause)}\n`)
    })
}

interface ResumeFlags {
  lane?: Lane
  as: string
}

function resumeCommand(): Command {
  return new Command('resume')
    .description('let a channel go on')
    .addArgument(channelArgument())
    .addOption(laneOption())
    .addOption(operatorOption())
    .addHelpText(
      'after',
      '\nSenders notice within a second. All that waited becomes due at once: watch the provider’s limits.\n\nExamples:\n  fanfare channels resume sms\n  fanfare channels resume email --lane bulk --as ada',
    )
    .action(async (channel: Channel, { lane, as: operator }: ResumeFlags) => {
      const chosen = lanesOf(lane)
      const action = { operator, action: 'channels.resume', target: channel, choices: { lanes: chosen } }
      const resumed = await withPool((pool) => resumeChannel(pool, { channel, lanes: chosen, action }))
      for (const each of chosen) process.stdout.write(`${resumeSentence(channel, each, resumed.includes(each))}\n`)
    })
}

interface LimitFlags {
  lane?: Lane
  calls: number
  reason: string
  for: number
  as: string
}

function limitCommand(): Command {
  return new Command('limit')
    .description(
      'let each sender of a channel have another number of calls under way at once than it is configured for',
    )
    .addArgument(channelArgument())
    .addOption(laneOption())
    .requiredOption('--calls <count>', 'at once, of each sender', wholeNumberArgument(1, callsMax))
    .requiredOption('--for <duration>', 'the configuration holds again after this: 30m, 2h', limitDurationArgument)
    .requiredOption('--reason <text>', 'why, for the list and the record', reasonArgument)
    .addOption(operatorOption())
    .addHelpText(
      'after',
      '\nIn place of FANFARE_SENDER_CONCURRENCY, fewer or more. Senders notice within a second; calls that are under way end as\nalways. To hold all of them, pause the channel.\n\nExamples:\n  fanfare channels limit sms --calls 20 --for 2h --reason "the provider asks us to slow down"\n  fanfare channels limit email --lane bulk --calls 300 --for 30m --reason "the campaign is late" --as ada',
    )
    .action(async (channel: Channel, { lane, calls, for: durationMs, reason, as: operator }: LimitFlags) => {
      const chosen = lanesOf(lane)
      const choices = { lanes: chosen, calls, reason, durationMs }
      const action = { operator, action: 'channels.limit', target: channel, choices }
      const limits = await withPool((pool) =>
        limitChannel(pool, { channel, lanes: chosen, concurrency: calls, durationMs, reason, action }),
      )
      for (const limit of limits) process.stdout.write(`${limitSentence(limit)}\n`)
    })
}

function unlimitCommand(): Command {
  return new Command('unlimit')
    .description('let a channel’s senders have as many calls as they are configured for')
    .addArgument(channelArgument())
    .addOption(laneOption())
    .addOption(operatorOption())
    .addHelpText('after', '\nSenders notice within a second.\n\nExample:\n  fanfare channels unlimit sms --as ada')
    .action(async (channel: Channel, { lane, as: operator }: ResumeFlags) => {
      const chosen = lanesOf(lane)
      const action = { operator, action: 'channels.unlimit', target: channel, choices: { lanes: chosen } }
      const unlimited = await withPool((pool) => unlimitChannel(pool, { channel, lanes: chosen, action }))
      for (const each of chosen) process.stdout.write(`${unlimitSentence(channel, each, unlimited.includes(each))}\n`)
    })
}

function lanesOf(lane: Lane | undefined): readonly Lane[] {
  return lane === undefined ? lanes : [lane]
}

async function withPool<Result>(work: (pool: HotPathPool) => Promise<Result>): Promise<Result> {
  const { postgres } = readConfiguration(processEnvironment(), ['postgres'])
  const pool = createHotPathPool({ url: postgres.url, applicationName: 'fanfare-channels', maxConnections: 1 })
  try {
    return await work(pool)
  } finally {
    await pool.close()
  }
}

function reasonArgument(given: string): string {
  const reason = given.replaceAll(/\s+/g, ' ').trim()
  if (reason !== '' && reason.length <= reasonLengthMax) return reason
  throw new InvalidArgumentError(`It must be 1 to ${reasonLengthMax} characters.`)
}

function pauseDurationArgument(given: string): number {
  return boundedDuration(given, pauseMaxMs)
}

function limitDurationArgument(given: string): number {
  return boundedDuration(given, limitMaxMs)
}

function boundedDuration(given: string, maxMs: number): number {
  const durationMs = durationArgument(given)
  if (durationMs > 0 && durationMs <= maxMs) return durationMs
  throw new InvalidArgumentError(`It must be more than 0s and at most ${maxMs / 86_400_000}d.`)
}
