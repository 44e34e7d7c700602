/**
 * `fanfare status`: what became of a notification, from Postgres.
 */
import { Command, InvalidArgumentError } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { dayOf, isUuid } from '../domain/identity.ts'
import { createHotPathPool } from '../postgres/hot-path-pool.ts'
import { createTimelines, type NotificationTimeline, type Timelines } from '../postgres/timeline.ts'
import { exitCodes } from './exit-code.ts'
import { momentArgument } from './moment-argument.ts'
import { timelineText } from './timeline-text.ts'
import { wholeNumberArgument } from './whole-number.ts'

export function statusCommand(): Command {
  const command = new Command('status')
    .description('show what became of a notification, or of all of a person’s: decisions and every delivery')
    .argument('[notification-id]', 'as its producer chose it', notificationId)
    .option('--source <app>', 'the app that asked, where two use the same id')
    .option(
      '--user <id>',
      'instead: everything sent and not sent to one person',
      wholeNumberArgument(1, Number.MAX_SAFE_INTEGER - 1),
    )
    .option('--since <time>', 'with --user: so long ago (2h, 7d) or a UTC time (default: 7d)', momentArgument)
    .option('--limit <number>', 'with --user: notifications at most', wholeNumberArgument(1, 1_000), 50)
    .addHelpText(
      'after',
      '\nShows no address and nothing of the message.\n\nExamples:\n  fanfare status 0199f0c2-8d8e-7c3a-9b1d-2f6f2f0c7a11\n  fanfare status --user 17 --since 2d',
    )
  return command.action(async (id: string | undefined, flags: StatusFlags) => {
    if ((id === undefined) === (flags.user === undefined)) {
      return command.error('error: either a notification id or --user is needed')
    }
    const timelines = await withTimelines((stored) => load(stored, id, flags))
    if (timelines.length > 0) {
      process.stdout.write(`${timelineText(timelines)}\n`)
      if (id === undefined && timelines.length === flags.limit) {
        process.stdout.write(`\nthe newest ${flags.limit}; there may be more (--limit)\n`)
      }
      return
    }
    process.stderr.write(`${nothingKnown(id, flags)}\n`)
    process.exitCode = exitCodes.failure
  })
}

interface StatusFlags {
  source?: string
  user?: number
  since?: number
  limit: number
}

const sinceByDefaultMs = 7 * 86_400_000

function load(stored: Timelines, id: string | undefined, flags: StatusFlags): Promise<NotificationTimeline[]> {
  const { source, user = 0, since = Date.now() - sinceByDefaultMs, limit } = flags
  if (id !== undefined) return stored.loadTimeline(id, source)
  return stored.loadUserTimeline(user, dayOf(since), limit)
}

function nothingKnown(id: string | undefined, { source, user }: StatusFlags): string {
  if (id === undefined) return `nothing is known for user ${user} since then`
  const from = source === undefined ? '' : ` from ${source}`
  return `no notification ${id}${from} is known: not published, or not decided yet`
}

async function withTimelines<Result>(work: (timelines: Timelines) => Promise<Result>): Promise<Result> {
  const { postgres } = readConfiguration(processEnvironment(), ['postgres'])
  const pool = createHotPathPool({ url: postgres.url, applicationName: 'fanfare-status', maxConnections: 1 })
  try {
    return await work(createTimelines(pool))
  } finally {
    await pool.close()
  }
}

function notificationId(given: string): string {
  if (isUuid(given)) return given
  throw new InvalidArgumentError('It must be a UUID.')
}
