/**
 * `fanfare channels list|pause|resume`: which channels an operator holds back, and the word that does it.
 */
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { channels, lanes, type Channel, type Lane } from '../domain/channel.ts'
import { loadChannelPauses, pauseChannel, resumeChannel } from '../postgres/channel-pauses.ts'
import { createHotPathPool, type HotPathPool } from '../postgres/hot-path-pool.ts'
import { channelTable, pauseSentence, resumeSentence } from './channel-text.ts'
import { durationArgument } from './event-arguments.ts'
import { operatorOption } from './operator.ts'

const reasonLengthMax = 200
/** Longer than any delivery may wait. */
const pauseMaxMs = 30 * 86_400_000

export function channelsCommand(): Command {
  return new Command('channels')
    .description('hold a channel back, and let it go on')
    .addCommand(listCommand())
    .addCommand(pauseCommand())
    .addCommand(resumeCommand())
}

const channelArgument = () => new Argument('<channel>', 'the channel').choices(channels)
const laneOption = () => new Option('--lane <lane>', 'only this lane, instead of both').choices(lanes)

function listCommand(): Command {
  return new Command('list')
    .description('list every channel and lane, and who holds it back, since when and why')
    .addHelpText('after', '\nExample:\n  fanfare channels list')
    .action(async () => {
      const pauses = await withPool(loadChannelPauses)
      process.stdout.write(`${channelTable(pauses)}\n`)
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
  const durationMs = durationArgument(given)
  if (durationMs > 0 && durationMs <= pauseMaxMs) return durationMs
  throw new InvalidArgumentError(`It must be more than 0s and at most ${pauseMaxMs / 86_400_000}d.`)
}
