/**
 * What became of notifications, for the services that asked for them: their state and its times, no address and nothing
 * of the message.
 */
import { z } from 'zod'
import type { Channel, Lane, RequestChannel } from '../../domain/channel.ts'
import type { DeliveryState } from '../../domain/delivery-state.ts'
import { hasScope } from '../../domain/app.ts'
import type { DecisionKind } from '../../domain/notification-log.ts'
import { isUuid } from '../../domain/identity.ts'
import type { Refusal } from '../../domain/refusal.ts'
import type { AuthenticatedApp } from './caller.ts'
import { momentText, momentTextOrNull } from './field-schemas.ts'
import type { NotificationView } from './notification-schemas.ts'

/** One log row with its deliveries. Times are Unix ms. */
export interface FoundNotification {
  notificationId: string
  source: string
  day: string
  userId: number
  category: string | null
  lane: Lane | null
  pass: number
  decision: DecisionKind
  reason: string | null
  detail: string | null
  deferredUntilMs: number | null
  suppressedChannels: { channel: RequestChannel; reason: string }[]
  createdAtMs: number | null
  decidedAtMs: number
  cancelledAtMs: number | null
  deliveries: FoundDelivery[]
}

interface FoundDelivery {
  deliveryId: string
  channel: Channel
  templateId: string
  templateVersion: number
  locale: string
  state: DeliveryState
  attempt: number
  reason: string | null
  provider: string | null
  nextDueAtMs: number | null
  expiresAtMs: number
  updatedAtMs: number
  deliveredAtMs: number | null
  bouncedAtMs: number | null
  openedAtMs: number | null
  clickedAtMs: number | null
  unsubscribedAtMs: number | null
}

/** Where a page ended: rows are in the order of these, which never change. */
export interface PagePosition {
  day: string
  notificationId: string
  source: string
}

export interface SearchRequest {
  userId: number
  /** Null: of every app. */
  source: string | null
  status: string | null
  /** Created not before, Unix ms. */
  fromMs: number
  after: PagePosition | null
  limit: number
}

export interface FindPorts {
  /** The log rows of an id over all days, oldest first; of one app, or of every app that used it. */
  loadTimeline(notificationId: string, source?: string): Promise<FoundNotification[]>
  /** At most `limit` of a person's notifications, the newest first. */
  search(request: SearchRequest): Promise<FoundNotification[]>
}

/** @returns the latest under the id, or why there is none to show. */
export async function findNotification(
  { notificationId, caller, source }: { notificationId: string; caller: AuthenticatedApp; source: string | undefined },
  { loadTimeline }: Pick<FindPorts, 'loadTimeline'>,
): Promise<FoundNotification | Refusal> {
  const visible = visibleSource(caller, source)
  if (visible === undefined) return notItsOwn
  const known = await loadTimeline(notificationId.toLowerCase(), visible.source ?? undefined)
  const latest = known.at(-1)
  if (latest === undefined) {
    return { kind: 'not_found', detail: 'no such notification: not published by this app, or not decided yet' }
  }
  if (new Set(known.map((each) => each.source)).size > 1) {
    return { kind: 'conflict', detail: 'several apps used this id: say which with source' }
  }
  return latest
}

/** @returns the page, and the cursor of the next one. */
export async function searchNotifications(
  request: SearchRequest,
  { search }: Pick<FindPorts, 'search'>,
): Promise<{ notifications: NotificationView[]; nextCursor: string | null }> {
  const found = await search({ ...request, limit: request.limit + 1 })
  const page = found.slice(0, request.limit)
  const last = page.at(-1)
  return {
    notifications: page.map(viewOf),
    nextCursor: found.length > page.length && last !== undefined ? cursorOf(last) : null,
  }
}

/** Whose notifications it may see: its own, or as an admin one app's or everybody's. Undefined where it may not. */
export function visibleSource(
  caller: AuthenticatedApp,
  source: string | undefined,
): { source: string | null } | undefined {
  if (hasScope(caller, 'admin')) return { source: source ?? null }
  return source === undefined || source === caller.appKey ? { source: caller.appKey } : undefined
}

export const notItsOwn: Refusal = { kind: 'forbidden', detail: 'the notifications of another app need the scope admin' }

export function viewOf(found: FoundNotification): NotificationView {
  const { notificationId, source, userId, category, lane, decision, reason, detail, pass, suppressedChannels } = found
  return {
    notificationId,
    source,
    userId,
    category,
    lane,
    decision,
    reason,
    detail,
    pass,
    suppressedChannels,
    deferredUntil: momentTextOrNull(found.deferredUntilMs),
    createdAt: momentTextOrNull(found.createdAtMs),
    decidedAt: momentText(found.decidedAtMs),
    cancelledAt: momentTextOrNull(found.cancelledAtMs),
    deliveries: found.deliveries.map(viewOfDelivery),
  }
}

function viewOfDelivery(delivery: FoundDelivery): NotificationView['deliveries'][number] {
  const { deliveryId, channel, state, reason, attempt, provider, templateId, templateVersion, locale } = delivery
  return {
    deliveryId,
    channel,
    state,
    reason,
    attempt,
    provider,
    templateId,
    templateVersion,
    locale,
    nextDueAt: momentTextOrNull(delivery.nextDueAtMs),
    expiresAt: momentText(delivery.expiresAtMs),
    updatedAt: momentText(delivery.updatedAtMs),
    deliveredAt: momentTextOrNull(delivery.deliveredAtMs),
    bouncedAt: momentTextOrNull(delivery.bouncedAtMs),
    openedAt: momentTextOrNull(delivery.openedAtMs),
    clickedAt: momentTextOrNull(delivery.clickedAtMs),
    unsubscribedAt: momentTextOrNull(delivery.unsubscribedAtMs),
  }
}

const positionSchema = z.tuple([z.iso.date(), z.string().refine(isUuid), z.string().max(128)])

function cursorOf({ day, notificationId, source }: PagePosition): string {
  return Buffer.from(JSON.stringify([day, notificationId, source])).toString('base64url')
}

/** @returns undefined for what no page ever answered. */
export function readCursor(cursor: string): PagePosition | undefined {
  const parsed = positionSchema.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8')))
  if (!parsed.success) return undefined
  const [day, notificationId, source] = parsed.data
  return { day, notificationId, source }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
