/**
 * When a provider wants to be asked again, as its answer's headers say it.
 */

/** A header that asks for more is taken as broken: believed, it would park every delivery until it expires. */
const longestRetryAfterMs = 24 * 3_600_000

/**
 * Reads `Retry-After`, a number of seconds or an HTTP date (RFC 9110, section 10.2.3).
 * @returns Unix ms, or undefined without a usable header.
 */
export function notBeforeOfRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  const dueMs = /^\d+$/.test(header) ? nowMs + Number(header) * 1000 : Date.parse(header)
  return plausible(dueMs, nowMs)
}

/**
 * Reads a header that holds a moment in Unix seconds, as `X-RateLimit-Reset` does.
 * @returns Unix ms, or undefined without a usable header.
 */
export function notBeforeOfUnixSeconds(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined || !/^\d+$/.test(header)) return undefined
  return plausible(Number(header) * 1000, nowMs)
}

function plausible(dueMs: number, nowMs: number): number | undefined {
  return dueMs >= nowMs && dueMs <= nowMs + longestRetryAfterMs ? dueMs : undefined
}
