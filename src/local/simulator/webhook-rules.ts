/**
 * What is reported of a message, scripted: stories that tests and people set, in process or over HTTP.
 *
 * A message takes the first rule that matches and is not used up, else the usual story of its provider.
 */
import { z } from 'zod'
import { latencySchema, maxLatencyMs } from './latency.ts'

/** Those whose reports come by webhook. */
export const reportingProviders = ['twilio', 'sendgrid'] as const
export type ReportingProvider = (typeof reportingProviders)[number]

const maxRules = 10_000

const reportSchema = z.strictObject({
  /** The provider's own word. */
  event: z.string().min(1),
  /** After the one before it; at once if absent. */
  afterMs: z.number().min(0).max(maxLatencyMs).default(0),
  /** What else the provider says: `{"ErrorCode": "30005"}`, `{"type": "blocked", "sg_machine_open": true}`. */
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
})

export const webhookRuleSchema = z.strictObject({
  provider: z.enum(reportingProviders),
  /** Every message of the provider if absent; else those whose address is or ends with this. */
  match: z.strictObject({ address: z.string().min(1).optional() }).optional(),
  times: z.int().min(1).optional(),
  /** In order; none: nothing is ever reported. */
  reports: z.array(reportSchema),
})
export type WebhookRule = z.input<typeof webhookRuleSchema>
export type Report = z.output<typeof reportSchema>

/** How webhooks misbehave, all of them. */
export const disorderSchema = z.strictObject({
  /** The share of events that are sent more than once. */
  duplicateShare: z.number().min(0).max(1).default(0),
  /** Beside what the story says, drawn for each event and each copy: so later ones come first now and then. */
  delay: latencySchema.default({ kind: 'fixed', ms: 0 }),
})
export type Disorder = z.output<typeof disorderSchema>

const usualReports: Record<ReportingProvider, readonly string[]> = {
  twilio: ['sent', 'delivered'],
  sendgrid: ['processed', 'delivered'],
}

export interface WebhookRules {
  /** Appends rules. @throws ZodError for a malformed rule, RangeError over the limit. */
  add(...rules: WebhookRule[]): void
  clear(): void
  /** Those still in force, with the times that are left. */
  rules(): WebhookRule[]
  /** Uses up one time of the rule that it takes. */
  reportsOf(message: { provider: ReportingProvider; address: string }): readonly Report[]
}

export function createWebhookRules(): WebhookRules {
  let rules: z.output<typeof webhookRuleSchema>[] = []

  function add(...added: WebhookRule[]): void {
    const parsed = z.array(webhookRuleSchema).parse(added)
    if (rules.length + parsed.length > maxRules) throw new RangeError(`More than ${maxRules} rules of webhooks.`)
    rules.push(...parsed)
  }

  function reportsOf({ provider, address }: { provider: ReportingProvider; address: string }): readonly Report[] {
    const rule = rules.find((each) => each.provider === provider && address.endsWith(each.match?.address ?? ''))
    if (rule === undefined) return usualReports[provider].map((event) => ({ event, afterMs: 0, fields: {} }))
    if (rule.times !== undefined) rule.times -= 1
    rules = rules.filter(({ times }) => times !== 0)
    return rule.reports
  }

  return { add, clear: () => void (rules = []), rules: () => structuredClone(rules), reportsOf }
}
