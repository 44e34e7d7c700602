/**
 * How long it took from an event to the provider: from the event's createdAt to when the provider's ledger has the call.
 */
import type { Evidence, LoggedDelivery } from '../reconciliation/evidence.ts'

export interface LatencySummary {
  p50Ms: number
  p99Ms: number
  maxMs: number
}

/** Of the calls that belong to a delivery; undefined without any. */
export function summariseLatency(
  { calls, deliveries }: Pick<Evidence, 'calls' | 'deliveries'>,
  among: (delivery: LoggedDelivery) => boolean = () => true,
): LatencySummary | undefined {
  const deliveryOf = new Map(deliveries.map((delivery) => [delivery.deliveryId, delivery]))
  const latenciesMs: number[] = []
  for (const { deliveryId, receivedAtMs } of calls) {
    const delivery = deliveryId === null ? undefined : deliveryOf.get(deliveryId)
    if (delivery !== undefined && among(delivery)) latenciesMs.push(receivedAtMs - delivery.createdAtMs)
  }
  latenciesMs.sort((a, b) => a - b)
  const maxMs = latenciesMs.at(-1)
  if (maxMs === undefined) return undefined
  return { p50Ms: percentile(latenciesMs, 0.5), p99Ms: percentile(latenciesMs, 0.99), maxMs }
}

/** The nearest rank of sorted values, of which there is at least one. */
function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
