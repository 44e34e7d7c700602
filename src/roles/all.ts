/**
 * Every role in one process: for a laptop and the demo.
 */
import type { Configuration } from '../config.ts'
import { channels, lanes } from '../domain/channel.ts'
import type { Infrastructure } from './infrastructure.ts'
import type { RoleContext } from './role.ts'
import { startRouters } from './router.ts'
import { runRole, type RoleParts } from './running-role.ts'
import { startSenders } from './sender.ts'

export async function run(context: RoleContext): Promise<void> {
  await runRole({ role: 'all', sections: ['redis', 'sender', 'addresses', 'providers'], start }, context)
}

async function start(
  infrastructure: Infrastructure,
  { redis, sender, addresses, providers }: Pick<Configuration, 'redis' | 'sender' | 'addresses' | 'providers'>,
): Promise<RoleParts> {
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
}
