/**
 * What a person chose about notifications, written whole by the services that know them.
 */
import { requestChannels } from '../domain/channel.ts'
import type { OwnSettings } from '../domain/settings.ts'
import { build, runBuilt } from './built-statement.ts'
import type { HotPathPool, Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { column } from './values.ts'

const lockUsersStatement = loadStatement('lock-users')
const setChannelsStatement = loadStatement('set-channel-opt-ins')
const setCategoriesStatement = loadStatement('set-category-opt-ins')

/** What is not in it is not chosen any more. */
export function replaceSettings(
  pool: HotPathPool,
  userId: number,
  settings: OwnSettings,
): Promise<'replaced' | 'unknown_user'> {
  return pool.transaction(async (connection) => {
    // The user first, as everybody does who writes what belongs to one.
    const found = await connection.query(lockUsersStatement, [[userId]])
    if (found.length === 0) return 'unknown_user'
    for (const table of ['notification_settings', 'category_settings']) {
      await runBuilt(connection, build(table).where({ user_id: userId }).delete())
    }
    await addSettings(connection, userId, settings)
    return 'replaced'
  })
}

async function addSettings(
  connection: Queryable,
  userId: number,
  { channelOptIns, categoryOptIns }: OwnSettings,
): Promise<void> {
  const switches = requestChannels.flatMap((channel) => {
    const optIn = channelOptIns[channel]
    return optIn === undefined ? [] : { channel, optIn }
  })
  await connection.query(setChannelsStatement, [
    userId,
    column(switches, ({ channel }) => channel),
    column(switches, ({ optIn }) => optIn),
  ])
  await connection.query(setCategoriesStatement, [
    userId,
    column(categoryOptIns, ({ category }) => category),
    column(categoryOptIns, ({ channel }) => channel),
    column(categoryOptIns, ({ optIn }) => optIn),
  ])
}
