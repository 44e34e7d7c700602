/**
 * When a sender calls: a kill shows something only where it meets calls.
 */
import { waitUntil } from '../../../src/local/stack/wait-until.ts'
import type { Bench } from '../supervisor/bench.ts'

/** Until a volley's events have come to a sender; it varies with the machine. */
const firstCallLimitMs = 10_000

/** Not having called at all is told by the kills, of which too few met calls then. */
export async function untilCalling({ query }: Bench, sender: string, sinceMs: number): Promise<void> {
  const channel = sender.replace('sender-', '')
  const hasClaims = async () => {
    const [claims] = await query<{ count: number }>(
      `select count(*)::integer as count from deliveries where state = 'claimed' and channel = '${channel}'
       and updated_at > to_timestamp(${sinceMs / 1_000})`,
    )
    return (claims?.count ?? 0) > 0
  }
  await waitUntil(hasClaims, { timeoutMs: firstCallLimitMs })
}
