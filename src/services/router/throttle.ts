/**
 * Stage 5, throttle: places under the caps, for all that would be sent, in one round trip.
 *
 * A crash after it: the places are taken, and the same notifications find theirs when they are decided again.
 */
import type { Category } from '../../domain/category.ts'
import type { Profile } from '../../domain/profile.ts'
import { windowsOf } from '../../domain/quiet-of.ts'
import { isCapped, isForbidden, throttled, type CapRequest } from '../../domain/throttle.ts'
import type { Decided } from './enrich.ts'
import { idOf } from './look-up.ts'
import type { RouterPorts } from './ports.ts'

type Countable = Decided & { category: Category; profile: Profile }

export async function throttle(decided: readonly Decided[], ports: RouterPorts): Promise<Decided[]> {
  const counted = decided.filter((item): item is Countable => isCounted(item, ports) && !isNever(item, ports))
  const answers = await ports.caps.reserve(counted.map((item) => capRequestOf(item, ports)))
  const answerOf = new Map(counted.map((item, index) => [item as Decided, answers[index]]))
  for (const item of decided) if (isNever(item, ports)) answerOf.set(item, { kind: 'full' })
  return decided.map((item) => {
    const answer = answerOf.get(item)
    const { category, decidedAtMs: nowMs, expiresAtMs } = item
    if (answer === undefined || category === undefined) return item
    return { ...item, decision: throttled(item.decision, answer, { category, nowMs, expiresAtMs }) }
  })
}

function isCounted({ decision, category, profile }: Decided, { userCaps }: RouterPorts): boolean {
  return decision.kind === 'routed' && profile !== undefined && category !== undefined && isCapped(category, userCaps)
}

function isNever(item: Decided, { userCaps }: RouterPorts): boolean {
  const { decision, category } = item
  return decision.kind === 'routed' && category !== undefined && isForbidden(category, userCaps)
}

function capRequestOf(
  { request, category, profile, expiresAtMs, decidedAtMs }: Countable,
  ports: RouterPorts,
): CapRequest {
  const span = { fromMs: decidedAtMs, untilMs: expiresAtMs, defaultZone: ports.defaultZone }
  return {
    member: idOf(request.key),
    userId: request.event.userId,
    category: category.name,
    categoryCaps: category.caps,
    userCaps: ports.userCaps,
    expiresAtMs,
    overCap: category.overCapPolicy,
    quietWindows: windowsOf(category, profile, span),
  }
}
