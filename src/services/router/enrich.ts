/**
 * Stages 3 to 5, enrich, decide and throttle: profiles, categories and templates for the whole chunk at once, then the
 * pure decision for each event. Throttling reserves places under the caps; without the scheduler everything passes.
 */
import type { RoutingDecision } from '../../domain/notification-log.ts'
import { decide } from '../../domain/decide.ts'
import { deliveryIdOf } from '../../domain/identity.ts'
import type { Request } from './decode.ts'
import type { RouterPorts } from './ports.ts'

export interface Decided {
  request: Request
  decision: RoutingDecision
  /** Unix ms. */
  decidedAtMs: number
}

export async function enrichAndDecide(requests: readonly Request[], ports: RouterPorts): Promise<Decided[]> {
  const valid = requests.filter((request) => request.refused === null)
  const [profiles, categories] = await Promise.all([
    ports.loadProfiles(distinct(valid.map(({ event }) => event.userId))),
    ports.loadCategories(distinct(valid.map(({ event }) => event.category))),
  ])
  const templateIdOf = ({ event }: Request) => event.template ?? categories.get(event.category)?.templateId
  const templates = await ports.loadTemplates(
    distinct(valid.map(templateIdOf).filter((templateId) => templateId !== undefined)),
  )
  const nowMs = ports.now()
  return requests.map((request) => {
    const { event, channels, refused } = request
    if (refused !== null) {
      const decision: RoutingDecision = { kind: 'failed', reason: refused, deliveries: [], suppressedChannels: [] }
      return { request, decision, decidedAtMs: nowMs }
    }
    const templateId = templateIdOf(request)
    const decision = decide({
      event,
      channels,
      nowMs,
      profile: profiles.get(event.userId),
      category: categories.get(event.category),
      template: templateId === undefined ? undefined : templates.get(templateId),
      deliveryId: (channel, deviceId) =>
        deliveryIdOf(
          {
            createdAtMs: event.createdAt,
            source: request.key.source,
            notificationId: request.key.notificationId,
            channel,
            deviceId,
          },
          ports.sha256,
        ),
    })
    return { request, decision, decidedAtMs: nowMs }
  })
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}
