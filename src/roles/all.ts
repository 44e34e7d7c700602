/**
 * Every role in one process: for a laptop and the demo.
 */
import type { Configuration } from '../config.ts'
import { channels, lanes } from '../domain/channel.ts'
import { createHttpMetrics } from '../telemetry/http-metrics.ts'
import { edgeSections, startEdge } from './edge.ts'
import { feedbackSections, startFeedback } from './feedback.ts'
import { gatewaySections, startGateway } from './gateway.ts'
import { deliverySections, openDeliveryInfrastructure, type Infrastructure } from './infrastructure.ts'
import { profilesSections, startProfiles } from './profiles.ts'
import type { RoleContext } from './role.ts'
import { startRetries } from './retry.ts'
import { routingSections, startRouters } from './router.ts'
import { closingAfter, runRole, type RoleParts } from './running-role.ts'
import { schedulerSections, startSchedulers } from './scheduler.ts'
import { startSenders } from './sender.ts'

const sections = [
  'sender',
  'providers',
  ...routingSections,
  ...schedulerSections,
  ...edgeSections,
  ...gatewaySections,
  ...profilesSections,
  ...feedbackSections,
  ...deliverySections,
] as const

export async function run(context: RoleContext): Promise<void> {
  await runRole({ role: 'all', sections, start }, context)
}

async function start(
  infrastructure: Infrastructure,
  own: Pick<Configuration, (typeof sections)[number]>,
): Promise<RoleParts> {
  const { sender, addresses, providers, links } = own
  const opened = await openDeliveryInfrastructure(infrastructure, own)
  const served = channels.flatMap((channel) => lanes.map((lane) => ({ channel, lane })))
  const senders = await startSenders(opened, served, { ...sender, hashKey: addresses.hashKey, providers, links })
  const retries = await startRetries(infrastructure, lanes)
  const routers = await startRouters(opened, lanes, own)
  const schedulers = startSchedulers(opened, own)
  const profiles = await startProfiles(opened, own)
  const feedback = await startFeedback(opened, own)
  const httpMetrics = createHttpMetrics(infrastructure.registry)
  const edge = await startEdge(opened, own, httpMetrics)
  const gateway = await startGateway(opened, own, httpMetrics)
  const parts = [gateway, edge, routers, profiles, feedback, retries, schedulers, senders]
  return closingAfter(
    {
      consumers: parts.flatMap(({ consumers }) => consumers),
      close: async () => {
        for (const part of parts) await part.close()
      },
    },
    opened,
  )
}
