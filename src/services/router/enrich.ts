/**
 * Stages 3 and 4, enrich and decide: profiles, categories, templates and suppressions for the whole chunk at once, then
 * the pure decision for each event.
 */
import type { Category } from '../../domain/category.ts'
import type { RequestChannel } from '../../domain/channel.ts'
import { decide, failed } from '../../domain/decide.ts'
import { decisionMoment, expiryOf } from '../../domain/deferral.ts'
import { deliveryIdOf } from '../../domain/identity.ts'
import type { RoutingDecision } from '../../domain/notification-log.ts'
import { targetsOf } from '../../domain/plan-channel.ts'
import type { Profile } from '../../domain/profile.ts'
import type { Refusal } from '../../domain/request-validation.ts'
import type { PublishedTemplate } from '../../domain/template.ts'
import type { Request } from './decode.ts'
import type { RouterPorts } from './ports.ts'

/** A request whose place in the log is known to be free. */
export interface OpenRequest {
  request: Request
  /** Until when the pass before was deferred; null for the first. */
  deferredUntilMs: number | null
}

export interface Decided {
  request: Request
  decision: RoutingDecision
  /** Unix ms. */
  decidedAtMs: number
  /** What it was decided with; undefined where it failed for lack of one. */
  category: Category | undefined
  profile: Profile | undefined
  expiresAtMs: number
}

export async function enrichAndDecide(open: readonly OpenRequest[], ports: RouterPorts): Promise<Decided[]> {
  const facts = await gather(
    open.map(({ request }) => request).filter(({ refused }) => refused === null),
    ports,
  )
  const clockMs = ports.now()
  return open.map(({ request, deferredUntilMs }) => {
    const nowMs = decisionMoment(clockMs, deferredUntilMs)
    const category = facts.categories.get(request.event.category)
    const profile = facts.profiles.get(request.event.userId)
    return {
      request,
      decision: request.refused === null ? decideOne(request, { ...facts, nowMs }, ports) : refused(request.refused),
      decidedAtMs: nowMs,
      category,
      profile,
      expiresAtMs: category === undefined ? nowMs : expiryOf(request.event, category),
    }
  })
}

function refused({ reason, detail }: Refusal): RoutingDecision {
  return { ...failed(reason), detail }
}

interface Facts {
  profiles: ReadonlyMap<number, Profile>
  categories: ReadonlyMap<string, Category>
  templates: ReadonlyMap<string, PublishedTemplate>
  suppressed: ReadonlySet<string>
}

async function gather(requests: readonly Request[], ports: RouterPorts): Promise<Facts> {
  const [profiles, categories] = await Promise.all([
    ports.loadProfiles(distinct(requests.map(({ event }) => event.userId))),
    ports.loadCategories(distinct(requests.map(({ event }) => event.category))),
  ])
  const [templates, suppressed] = await Promise.all([
    ports.loadTemplates(distinct(requests.flatMap((request) => templateIdOf(request, categories) ?? []))),
    findSuppressed(requests, { profiles, categories }, ports),
  ])
  return { profiles, categories, templates, suppressed }
}

function templateIdOf({ event }: Request, categories: Facts['categories']): string | undefined {
  return event.template ?? categories.get(event.category)?.templateId
}

/** @returns those of the addresses that the chunk may write to, as `addressKey` names them. */
async function findSuppressed(
  requests: readonly Request[],
  { profiles, categories }: Pick<Facts, 'profiles' | 'categories'>,
  ports: RouterPorts,
): Promise<Set<string>> {
  const questions = new Map<string, { channel: RequestChannel; address: string; category: string }>()
  for (const { event, channels } of requests) {
    const category = categories.get(event.category)
    const profile = profiles.get(event.userId)
    if (category === undefined || profile === undefined) continue
    for (const channel of channels ?? category.channels) {
      for (const { address } of targetsOf(profile, channel)) {
        questions.set(addressKey(category.name, channel, address), { channel, address, category: category.name })
      }
    }
  }
  const answers = await ports.findSuppressed([...questions.values()])
  return new Set([...questions.keys()].filter((_, index) => answers[index] === true))
}

function addressKey(category: string, channel: RequestChannel, address: string): string {
  return JSON.stringify([category, channel, address])
}

function decideOne(request: Request, facts: Facts & { nowMs: number }, ports: RouterPorts): RoutingDecision {
  const { event, channels, key } = request
  const { source, notificationId } = key
  const templateId = templateIdOf(request, facts.categories)
  return decide({
    event,
    channels,
    nowMs: facts.nowMs,
    defaultZone: ports.defaultZone,
    profile: facts.profiles.get(event.userId),
    category: facts.categories.get(event.category),
    template: templateId === undefined ? undefined : facts.templates.get(templateId),
    isSuppressed: (channel, address) => facts.suppressed.has(addressKey(event.category, channel, address)),
    deliveryId: (channel, deviceId) =>
      deliveryIdOf({ createdAtMs: event.createdAt, source, notificationId, channel, deviceId }, ports.sha256),
  })
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}
