/**
 * `/v1/analytics`: the funnel, as it was counted last. Numbers only: who was told what is `/v1/notifications`'s to say.
 */
import { z } from 'zod'
import { channels } from '../../domain/channel.ts'
import { funnelDimensions, funnelSteps, type FunnelQuestion, type FunnelRow } from '../../domain/funnel.ts'
import type { FieldFault } from '../../domain/refusal.ts'
import { refusals } from '../../http/problem-answers.ts'
import { refuse } from '../../http/problem.ts'
import type { HttpServer } from '../../http/server.ts'
import { givenMomentSchema, momentSchema, momentText, momentTextOrNull } from './field-schemas.ts'

export interface AnalyticsPorts {
  readFunnel(question: FunnelQuestion): Promise<FunnelRow[]>
  /** Unix ms. */
  now(): number
}

const hourMs = 3_600_000
const byDefaultMs = 24 * hourMs
/** Longer than what rows can still change: older counts are for whoever keeps reports. */
const spanMaxMs = 400 * 24 * hourMs
const rowsMax = 10_000

const tags = ['analytics']

const querySchema = z.strictObject({
  from: givenMomentSchema.optional().describe('Of the events; a day before `to` where it is left out'),
  to: givenMomentSchema.optional().describe('Excluded; now where it is left out'),
  groupBy: z
    .string()
    .regex(/^[a-z]+(,[a-z]+){0,4}$/, `any of ${funnelDimensions.join(', ')}, separated by commas`)
    .transform((list) => list.split(','))
    .pipe(z.array(z.enum(funnelDimensions)))
    .refine((list) => new Set(list).size === list.length, 'each only once')
    .refine((list) => !(list.includes('hour') && list.includes('day')), 'hour or day')
    .optional()
    .describe('`hour` or `day` (of UTC), `template`, `category`, `channel`; one sum where it is left out'),
})

const countSchema = z.int().min(0)
const rowSchema = z
  .object({
    beginsAt: momentSchema.nullable().describe('Of the hour or day; null where it is not split by either'),
    template: z.string().nullable(),
    category: z.string().nullable(),
    channel: z.enum(channels).nullable(),
    ...Object.fromEntries(funnelSteps.map((step) => [step, countSchema])),
  })
  .meta({ id: 'FunnelRow' })

const answerSchema = z
  .object({
    from: momentSchema.describe('The beginning of its hour'),
    to: momentSchema.describe('The end of its hour'),
    rows: z.array(rowSchema),
  })
  .meta({ id: 'Funnel' })

export function analyticsRoutes(server: HttpServer, { readFunnel, now }: AnalyticsPorts): void {
  server.get('/v1/analytics', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'readFunnel',
      summary: 'Read how far deliveries came, by hour or day, template, category and channel',
      description:
        'Deliveries are counted in the hour of their event, in whole hours, and again whenever something has changed: ' +
        'by the scheduler’s maintenance, every ten minutes where nothing else is set. Reports are counted as reported: ' +
        'who opens without a report of delivery is not in `delivered`. Opens and clicks of machines are left out.',
      tags,
      querystring: querySchema,
      response: { 200: answerSchema.describe('The sums, in the order of what they are split by'), ...refusals() },
    },
    handler: async ({ query: { from, to = now(), groupBy = [] } }, reply) => {
      const fromMs = Math.floor((from ?? to - byDefaultMs) / hourMs) * hourMs
      const untilMs = Math.ceil(to / hourMs) * hourMs
      const fault = spanFault(fromMs, untilMs)
      if (fault !== undefined) return refuse(reply, { kind: 'invalid', faults: [fault] })
      const rows = await readFunnel({ fromMs, untilMs, splitBy: groupBy, limit: rowsMax + 1 })
      if (rows.length > rowsMax) return refuse(reply, { kind: 'invalid', faults: [tooManyRows] })
      return { from: momentText(fromMs), to: momentText(untilMs), rows: rows.map(viewOf) }
    },
  })
}

const tooManyRows: FieldFault = {
  field: 'query/groupBy',
  expected: `no more than ${rowsMax} rows: a shorter span, or fewer splits`,
}

function spanFault(fromMs: number, untilMs: number): FieldFault | undefined {
  if (fromMs >= untilMs) return { field: 'query/from', expected: 'a moment before `to`' }
  const days = spanMaxMs / (24 * hourMs)
  return untilMs - fromMs > spanMaxMs
    ? { field: 'query/from', expected: `at most ${days} days before \`to\`` }
    : undefined
}

function viewOf({ beginsAtMs, templateId, category, channel, counts }: FunnelRow) {
  return { beginsAt: momentTextOrNull(beginsAtMs), template: templateId, category, channel, ...counts }
}
