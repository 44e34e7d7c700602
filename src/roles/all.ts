/**
 * Every role in one process: for a laptop and the demo.
 */
import { readConfiguration } from '../config.ts'
import { channels, lanes } from '../domain/channel.ts'
import type { RoleContext } from './role.ts'
import { startRouters } from './router.ts'
import { runRole } from './running-role.ts'
import { startSenders } from './sender.ts'

export async function run(context: RoleContext): Promise<void> {
  const { redis, sender, addresses, providers } = readConfiguration(context.environment, [
    'redis',
    'sender',
    'addresses',
    'providers',
  ])
  await runRole('all', context, async (infrastructure) => {
    const served = channels.flatMap((channel) => lanes.map((lane) => ({ channel, lane })))
    const senders = await startSenders(infrastructure, served, { ...sender, hashKey: addresses.hashKey, providers })
    const routers = await startRouters(infrastructure, lanes, redis.url)
    return {
      consumers: [...routers.consumers, ...senders.consumers],
      close: async () => {
        await routers.close()
        await senders.close()
      },
    }
  })
}
