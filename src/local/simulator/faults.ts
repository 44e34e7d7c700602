/**
 * Scripted faults: rules that tests and people set, in process or over HTTP, and that calls run into in order.
 *
 * A call takes the first rule that matches and is not used up. Latency only adds up and lets the call go on to the
 * next rule, so `latency` followed by `reset` is a slow call that ends in a reset. A rule with `times` is gone after
 * that many calls.
 */
import { z } from 'zod'
import { simulatedProviders, type SimulatedProvider } from './simulator-server.ts'

/** Longer than any call time-out, shorter than a forgotten test. */
const maxLatencyMs = 600_000
const maxRules = 10_000

const status = z.int().min(200).max(599)

const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('latency'), ms: z.int().min(0).max(maxLatencyMs) }),
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
  /** Every answer of the provider takes this long, beside what rules add. */
  setBaseLatency(provider: SimulatedProvider, latencyMs: number): void
  /** The rules still in force, in order, with the times that are left. */
  rules(): FaultRule[]
  /** Uses up one time of each rule that the call meets. */
  encounter(call: { provider: SimulatedProvider; address: string }): Encounter
}

export function createFaults(): Faults {
  let rules: z.output<typeof faultRuleSchema>[] = []
  const baseLatencyMs = new Map<SimulatedProvider, number>()

  function add(...added: FaultRule[]): void {
    const parsed = z.array(faultRuleSchema).parse(added)
    if (rules.length + parsed.length > maxRules) throw new RangeError(`More than ${maxRules} fault rules.`)
    rules.push(...parsed)
  }

  function clear(provider?: SimulatedProvider): void {
    rules = provider === undefined ? [] : rules.filter((rule) => rule.provider !== provider)
    if (provider === undefined) baseLatencyMs.clear()
    else baseLatencyMs.delete(provider)
  }

  function setBaseLatency(provider: SimulatedProvider, latencyMs: number): void {
    baseLatencyMs.set(provider, Math.min(Math.max(latencyMs, 0), maxLatencyMs))
  }

  function encounter(call: { provider: SimulatedProvider; address: string }): Encounter {
    let latencyMs = baseLatencyMs.get(call.provider) ?? 0
    let fault: Encounter['fault'] = null
    for (const rule of rules) {
      if (rule.provider !== call.provider || !call.address.endsWith(rule.match?.address ?? '')) continue
      if (rule.times !== undefined) rule.times -= 1
      if (rule.fault.kind === 'latency') {
        latencyMs += rule.fault.ms
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
