/**
 * Categories on the wire of the gateway: the rules that all notifications of one share.
 */
import { z } from 'zod'
import { timeToLiveSecondsMax } from '../../domain/category.ts'
import type { CategoryRules } from '../../domain/category-rules.ts'
import { lanes, requestChannels } from '../../domain/channel.ts'
import { contactRules } from '../../domain/contact-data.ts'
import { requestNameForm } from '../../domain/request-validation.ts'
import { everyCategory } from '../../domain/suppression.ts'
import { limitSchema } from './field-schemas.ts'
import { dailyHoursSchema, hoursOf, viewOfHours } from './user-schemas.ts'

/** A cap over more would outlive every memory of it. */
const windowSecondsMax = 30 * 86_400
const capsMax = 8
const capLimitMax = 100_000
const attemptsMax = 20
const titlesMax = 100
const titleCharactersMax = 200

export const categoryNameSchema = z
  .string()
  .regex(requestNameForm, 'a letter or digit, then up to 127 letters, digits, blanks and ._:/@-')
  .refine((name) => name !== everyCategory, `a name other than ${everyCategory}, which means every category`)
  .meta({ examples: ['weekly-offers'] })

const attemptSchema = z.int().min(1).max(attemptsMax).optional()

const rulesSchemas = {
  lane: z.enum(lanes).describe('`transactional` for what a person waits for, `bulk` for what may take a little'),
  channels: z
    .array(z.enum(requestChannels))
    .min(1)
    .max(requestChannels.length)
    .refine((channels) => new Set(channels).size === channels.length, 'no channel twice')
    .describe('Where a request names none'),
  mandatory: z.boolean().describe('Ignores opt-outs, caps and quiet hours; never suppressions'),
  optInDefault: z.boolean().describe('Whether somebody who chose nothing gets it'),
  caps: z
    .array(
      z.strictObject({
        limit: z.int().min(0).max(capLimitMax),
        windowSeconds: z.int().min(1).max(windowSecondsMax),
      }),
    )
    .max(capsMax)
    .describe('What one person gets at most, in any span of the window'),
  overCapPolicy: z.enum(['defer', 'drop']),
  capsUnavailablePolicy: z.enum(['send', 'defer']).describe('While nobody can count'),
  quietHoursPolicy: z.enum(['defer', 'ignore']),
  sendWindow: dailyHoursSchema.nullable().describe('When it may be sent, on the person’s clocks; null for always'),
  timeToLiveSeconds: z.int().min(1).max(timeToLiveSecondsMax),
  unknownPolicy: z.enum(['resend', 'hold']).describe('What follows when nobody can tell whether a provider accepted'),
  templateId: z
    .string()
    .regex(requestNameForm, 'a letter or digit, then up to 127 letters, digits, blanks and ._:/@-')
    .describe('A published template, for requests that name none'),
  attempts: z
    .strictObject({ push: attemptSchema, sms: attemptSchema, email: attemptSchema })
    .describe('How often a delivery is tried; a channel that is not named has the default'),
  titles: z
    .record(
      z.string().refine(contactRules.locale.accepts, contactRules.locale.expected),
      z.string().min(1).max(titleCharactersMax),
    )
    .refine((titles) => Object.keys(titles).length <= titlesMax, `at most ${titlesMax} languages`)
    .describe('What people call it, by language'),
  listed: z.boolean().describe('Whether the preference page shows it'),
}

const capSchema = z.object({ limit: z.int(), windowSeconds: z.int() })
const storedAttemptSchema = z.int().optional()

/** What is stored may be older than the rules for what is written. */
export const categorySchema = z
  .object({
    ...rulesSchemas,
    name: z.string(),
    channels: z.array(z.enum(requestChannels)),
    caps: z.array(capSchema),
    timeToLiveSeconds: z.int(),
    templateId: z.string(),
    attempts: z.object({ push: storedAttemptSchema, sms: storedAttemptSchema, email: storedAttemptSchema }),
    titles: z.record(z.string(), z.string()),
  })
  .meta({ id: 'Category', description: 'A category with all of its rules' })

/** What has a default in the database has it here. */
export const putCategorySchema = z
  .strictObject({
    ...rulesSchemas,
    mandatory: rulesSchemas.mandatory.default(false),
    optInDefault: rulesSchemas.optInDefault.default(true),
    caps: rulesSchemas.caps.default([]),
    overCapPolicy: rulesSchemas.overCapPolicy.default('defer'),
    capsUnavailablePolicy: rulesSchemas.capsUnavailablePolicy.default('send'),
    quietHoursPolicy: rulesSchemas.quietHoursPolicy.default('defer'),
    sendWindow: rulesSchemas.sendWindow.default(null),
    unknownPolicy: rulesSchemas.unknownPolicy.default('resend'),
    attempts: rulesSchemas.attempts.default({}),
    titles: rulesSchemas.titles.default({}),
    listed: rulesSchemas.listed.default(true),
  })
  .refine(({ listed, mandatory }) => listed || mandatory, {
    path: ['listed'],
    error: 'true, unless the category is mandatory: what can be left is shown where people leave it',
  })
  .meta({ id: 'CategoryData' })

export const categoryParamsSchema = z.object({ name: categoryNameSchema })

const listMax = 500

export const categoryPageQuerySchema = z.strictObject({
  after: categoryNameSchema.optional().describe('The last name of the page before'),
  limit: limitSchema({ max: listMax, byDefault: 100 }),
})

export const categoryPageSchema = z
  .object({
    categories: z.array(categorySchema),
    next: z.string().nullable().describe('To be asked for with `after`; null on the last page'),
  })
  .meta({ id: 'CategoryPage' })

export function viewOfCategory({ sendWindow, ...rules }: CategoryRules): z.infer<typeof categorySchema> {
  return { ...rules, sendWindow: sendWindow === null ? null : viewOfHours(sendWindow) }
}

export function categoryOf(name: string, data: z.infer<typeof putCategorySchema>): CategoryRules {
  const { sendWindow, attempts, ...rules } = data
  return {
    ...rules,
    name,
    attempts: Object.fromEntries(Object.entries(attempts).filter(([, count]) => count !== undefined)),
    sendWindow: sendWindow === null ? null : hoursOf(sendWindow),
  }
}
