/**
 * Stage 3, collect: the actions of a whole chunk, put together by kind and each thing once, so that every kind is one
 * statement whatever the chunk holds.
 */
import { mergeReports, type DeliveryReport } from '../../domain/delivery-report.ts'
import type { DeliveryStatus } from '../../domain/delivery-status.ts'
import type { FeedbackAction } from '../../domain/feedback-effect.ts'
import type { Suppression } from '../../domain/suppression.ts'
import type { DeadToken, LiftedStop, OptOut, SoftBounce } from './ports.ts'

export interface Collected {
  statuses: DeliveryStatus[]
  reports: DeliveryReport[]
  /** When the deliveries of `reports` were asked for, Unix ms. */
  reportedMoments: number[]
  suppressions: Suppression[]
  lifted: LiftedStop[]
  softBounces: SoftBounce[]
  deadTokens: DeadToken[]
  optOuts: OptOut[]
  /** Whose devices or settings may change. */
  userIds: number[]
}

export function collect(actions: readonly FeedbackAction[]): Collected {
  const statuses = new Map<string, DeliveryStatus>()
  const reports = new Map<string, DeliveryReport>()
  const moments = new Set<number>()
  const suppressions = new Map<string, Suppression>()
  const lifted = new Map<string, LiftedStop>()
  const softBounces = new Map<string, SoftBounce>()
  const deadTokens = new Map<string, DeadToken>()
  const optOuts: OptOut[] = []
  const userIds = new Set<number>()
  for (const action of actions) {
    switch (action.kind) {
      case 'status':
        // The first of a status: a repeat in the chunk says the same, later.
        if (!statuses.has(action.status.statusId)) statuses.set(action.status.statusId, action.status)
        break
      case 'report':
        merge(reports, action.report.deliveryId, action.report, mergeReports)
        moments.add(action.createdAt)
        break
      case 'suppress': {
        const { suppression } = action
        merge(suppressions, suppressionKey(suppression), suppression, laterOf)
        break
      }
      case 'lift':
        merge(lifted, addressKey(action), action, (one, other) => (one.untilMs >= other.untilMs ? one : other))
        break
      case 'soft_bounce':
        softBounces.set(`${addressKey(action)} ${action.feedbackId}`, action)
        break
      case 'invalidate_device':
        merge(deadTokens, action.token, action, (one, other) => (one.sinceMs >= other.sinceMs ? one : other))
        userIds.add(action.userId)
        break
      case 'opt_out':
        optOuts.push(action)
        userIds.add(action.userId)
        break
    }
  }
  return {
    statuses: [...statuses.values()],
    reports: [...reports.values()],
    reportedMoments: [...moments],
    suppressions: [...suppressions.values()],
    lifted: [...lifted.values()],
    softBounces: [...softBounces.values()],
    deadTokens: [...deadTokens.values()],
    optOuts,
    userIds: [...userIds],
  }
}

function merge<Value>(into: Map<string, Value>, key: string, value: Value, both: (one: Value, other: Value) => Value) {
  const known = into.get(key)
  into.set(key, known === undefined ? value : both(known, value))
}

function laterOf(one: Suppression, other: Suppression): Suppression {
  return one.sinceMs >= other.sinceMs ? one : other
}

function suppressionKey({ channel, addressHash, scope, cause }: Suppression): string {
  return JSON.stringify([addressKey({ channel, addressHash }), scope, cause])
}

function addressKey({ channel, addressHash }: Pick<Suppression, 'channel' | 'addressHash'>): string {
  return `${channel} ${Buffer.from(addressHash).toString('hex')}`
}
