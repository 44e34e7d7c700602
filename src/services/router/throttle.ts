/**
 * Stage 5, throttle: places under the caps, for all that would be sent, in one round trip.
 *
 * A crash after it: the places are taken, and the same notifications find theirs when they are decided again.
 */
import type { Category } from '../../domain/category.ts'
import type { Profile } from '../../domain/profile.ts'
import { windowsOf } from '../../domain/quiet-of.ts'
import { isCapped, isForbidden, throttled, type CapAnswer, type CapRequest } from '../../domain/throttle.ts'
import type { Decided } from './enrich.ts'
import { idOf } from './look-up.ts'
import type { RouterPorts } from './ports.ts'

export async function throttle(decided: readonly Decided[], ports: RouterPorts): Promise<Decided[]> {
  const answerOf = new Map<Decided, CapAnswer>()
  const requestOf = new Map<Decided, CapRequest>()
  for (const item of decided) {
    const { decision, category, profile } = item
    if (decision.kind !== 'routed' || category === undefined || profile === undefined) continue
    if (isForbidden(category, ports.userCaps)) answerOf.set(item, { kind: 'full' })
    else if (isCapped(category, ports.userCaps)) requestOf.set(item, capRequestOf(item, { category, profile }, ports))
  }
  const answers = await ports.caps.reserve([...requestOf.values()])
  for (const [index, item] of [...requestOf.keys()].entries()) {
    const answer = answers[index]
    if (answer === undefined) throw new Error('caps answered for fewer notifications than they were asked for')
    answerOf.set(item, answer)
  }
  return decided.map((item) => {
    const answer = answerOf.get(item)
    const { category, decidedAtMs: nowMs, expiresAtMs } = item
    if (answer === undefined || category === undefined) return item
    return { ...item, decision: throttled(item.decision, answer, { category, nowMs, expiresAtMs }) }
  })
}

function capRequestOf(
  { request, expiresAtMs, decidedAtMs }: Decided,
  { category, profile }: { category: Category; profile: Profile },
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
