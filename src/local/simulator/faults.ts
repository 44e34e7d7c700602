/**
 * Scripted faults: rules that tests and people set, in process or over HTTP, and that calls run into in order.
 *
 * A call takes the first rule that matches and is not used up. Latency only adds up and lets the call go on to the
 * next rule, so `latency` followed by `reset` is a slow call that ends in a reset. A rule with `times` is gone after
 * that many calls.
 */
import { z } from 'zod'
import { drawLatencyMs, latencySchema, maxLatencyMs, type Latency } from './latency.ts'
import { simulatedProviders, type SimulatedProvider } from './simulator-server.ts'

const maxRules = 10_000

const status = z.int().min(200).max(599)

const faultSchema = z.discriminatedUnion('kind', [
  /** One of both: `ms` says the same as a fixed distribution. */
  z
    .strictObject({
      kind: z.literal('latency'),
      ms: z.int().min(0).max(maxLatencyMs).optional(),
      distribution: latencySchema.optional(),
    })
    .refine(({ ms, distribution }) => (ms === undefined) !== (distribution === undefined), 'either ms or distribution'),
  /** A definite refusal in the provider's documented form. */
  z.strictObject({
    kind: z.literal('status'),
    status,
    code: z.union([z.string(), z.int()]).optional(),
    retryAfterSeconds: z.int().min(0).optional(),
  }),
  /** No answer, on an open connection; `after` has accepted the message. */
  z.strictObject({ kind: z.literal('hang'), when: z.enum(['before', 'after']).default('before') }),
  /** The connection is destroyed, before or after accepting the message. */
  z.strictObject({ kind: z.literal('reset'), when: z.enum(['before', 'after']) }),
  /** A page of HTML from something in between that is not the provider. */
  z.strictObject({ kind: z.literal('html'), status }),
])

export const faultRuleSchema = z.strictObject({
  provider: z.enum(simulatedProviders),
  /** Every call of the provider if absent; else those whose address is or ends with this. */
  match: z.strictObject({ address: z.string().min(1).optional() }).optional(),
  times: z.int().min(1).optional(),
  fault: faultSchema,
})

type Fault = z.output<typeof faultSchema>
export type FaultRule = z.input<typeof faultRuleSchema>

/** What a call runs into. */
export interface Encounter {
  latencyMs: number
  /** Null: the call is answered as documented. */
  fault: Exclude<Fault, { kind: 'latency' }> | null
}

export interface Faults {
  /** Appends rules behind those already there. @throws ZodError for a malformed rule, RangeError over the limit. */
  add(...rules: FaultRule[]): void
  /** Removes the rules, and the base latency, of one provider or of all. */
  clear(provider?: SimulatedProvider): void
  /** Every answer of the provider takes this long, in ms or drawn for each call, beside what rules add. */
  setBaseLatency(provider: SimulatedProvider, latency: number | Latency): void
  /** The rules still in force, in order, with the times that are left. */
  rules(): FaultRule[]
  /** Uses up one time of each rule that the call meets. */
  encounter(call: { provider: SimulatedProvider; address: string }): Encounter
}

/** @param random evenly from 0 to below 1, for latencies; a seeded one makes a run repeatable. */
export function createFaults({ random = Math.random }: { random?: () => number } = {}): Faults {
  let rules: z.output<typeof faultRuleSchema>[] = []
  const baseLatencies = new Map<SimulatedProvider, Latency>()

  function add(...added: FaultRule[]): void {
    const parsed = z.array(faultRuleSchema).parse(added)
    if (rules.length + parsed.length > maxRules) throw new RangeError(`More than ${maxRules} fault rules.`)
    rules.push(...parsed)
  }

  function clear(provider?: SimulatedProvider): void {
    rules = provider === undefined ? [] : rules.filter((rule) => rule.provider !== provider)
    if (provider === undefined) baseLatencies.clear()
    else baseLatencies.delete(provider)
  }

  function setBaseLatency(provider: SimulatedProvider, latency: number | Latency): void {
    const isFixed = typeof latency === 'number'
    const fixedMs = (ms: number): Latency => ({ kind: 'fixed', ms: Math.min(Math.max(ms, 0), maxLatencyMs) })
    baseLatencies.set(provider, isFixed ? fixedMs(latency) : latencySchema.parse(latency))
  }

  function encounter(call: { provider: SimulatedProvider; address: string }): Encounter {
    const base = baseLatencies.get(call.provider)
    let latencyMs = base === undefined ? 0 : drawLatencyMs(base, random)
    let fault: Encounter['fault'] = null
    for (const rule of rules) {
      if (rule.provider !== call.provider || !call.address.endsWith(rule.match?.address ?? '')) continue
      if (rule.times !== undefined) rule.times -= 1
      if (rule.fault.kind === 'latency') {
        const { ms: fixedMs = 0, distribution = { kind: 'fixed', ms: fixedMs } } = rule.fault
        latencyMs += drawLatencyMs(distribution, random)
        continue
      }
      fault = rule.fault
      break
    }
    rules = rules.filter((rule) => rule.times !== 0)
    return { latencyMs, fault }
  }

  return { add, clear, setBaseLatency, rules: () => structuredClone(rules), encounter }
}
