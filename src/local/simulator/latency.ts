/**
 * How long an answer takes: the shapes in which real providers are slow. Drawn for each call from the randomness that is
 * passed in, so that a seeded run takes the same times again.
 */
import { z } from 'zod'

/** Longer than any call time-out, shorter than a forgotten test. */
export const maxLatencyMs = 600_000

const milliseconds = z.number().min(0).max(maxLatencyMs)

export const latencySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fixed'), ms: milliseconds }),
  /** Evenly between both. */
  z
    .strictObject({ kind: z.literal('uniform'), fromMs: milliseconds, toMs: milliseconds })
    .refine(({ fromMs, toMs }) => fromMs <= toMs, 'fromMs must not exceed toMs'),
  /** Mostly short, now and then several times the mean. */
  z.strictObject({ kind: z.literal('exponential'), meanMs: milliseconds }),
  /** One of two: `slowMs` for the share of calls that `slowShare` says, else `usualMs`. */
  z.strictObject({
    kind: z.literal('tail'),
    usualMs: milliseconds,
    slowMs: milliseconds,
    slowShare: z.number().min(0).max(1),
  }),
])
export type Latency = z.infer<typeof latencySchema>

/** The latency of one call, whole milliseconds from 0 to `maxLatencyMs`. */
export function drawLatencyMs(latency: Latency, random: () => number): number {
  return Math.min(Math.round(draw(latency, random)), maxLatencyMs)
}

function draw(latency: Latency, random: () => number): number {
  switch (latency.kind) {
    case 'fixed':
      return latency.ms
    case 'uniform':
      return latency.fromMs + (latency.toMs - latency.fromMs) * random()
    case 'exponential':
      // The inverse of its distribution function; 1 − random is never 0.
      return -latency.meanMs * Math.log(1 - random())
    case 'tail':
      return random() < latency.slowShare ? latency.slowMs : latency.usualMs
  }
}
