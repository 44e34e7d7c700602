/**
 * Whether this process itself stood still a moment ago (frozen, starved, a long turn): then answers lie unread, and their
 * time-outs say nothing about whoever gave them.
 */
const tickMs = 500
/** Of a tick: more than a busy turn. */
const lateMs = 1_500
/** By then every request that was under way has been answered or has timed out. */
const rememberedMs = 15_000

/** @param clock monotonic milliseconds. */
export function watchForStalls(clock: () => number): () => boolean {
  let tickedAt = clock()
  let stalledAt = Number.NEGATIVE_INFINITY
  const look = () => {
    const now = clock()
    if (now - tickedAt > tickMs + lateMs) stalledAt = now
    tickedAt = now
  }
  setInterval(look, tickMs).unref()
  return () => {
    look()
    return clock() - stalledAt < rememberedMs
  }
}
