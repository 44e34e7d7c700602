/**
 * `fanfare status`: what became of a notification, from Postgres.
 */
import { Command, InvalidArgumentError } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { isUuid } from '../domain/identity.ts'
import { createHotPathPool } from '../postgres/hot-path-pool.ts'
import { createTimelines, type NotificationTimeline } from '../postgres/timeline.ts'
import { exitCodes } from './exit-code.ts'
import { timelineText } from './timeline-text.ts'

export function statusCommand(): Command {
  return new Command('status')
    .description('show what became of a notification: the decision and every delivery')
    .argument('<notification-id>', 'as its producer chose it', notificationId)
    .option('--source <app>', 'the app that asked, where two use the same id')
    .addHelpText(
      'after',
      '\nShows no address and nothing of the message.\n\nExample:\n  fanfare status 0199f0c2-8d8e-7c3a-9b1d-2f6f2f0c7a11',
    )
    .action(async (id: string, { source }: { source?: string }) => {
      const timelines = await load(id, source)
      if (timelines.length > 0) {
        process.stdout.write(`${timelineText(timelines)}\n`)
        return
      }
      const from = source === undefined ? '' : ` from ${source}`
      process.stderr.write(`no notification ${id}${from} is known: not published, or not decided yet\n`)
      process.exitCode = exitCodes.failure
    })
}

async function load(id: string, source: string | undefined): Promise<NotificationTimeline[]> {
  const { postgres } = readConfiguration(processEnvironment(), ['postgres'])
  const pool = createHotPathPool({ url: postgres.url, applicationName: 'fanfare-status', maxConnections: 1 })
  try {
    return await createTimelines(pool).loadTimeline(id, source)
  } finally {
    await pool.close()
  }
}

function notificationId(given: string): string {
  if (isUuid(given)) return given
  throw new InvalidArgumentError('It must be a UUID.')
}
