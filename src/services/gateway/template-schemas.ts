/**
 * Templates on the wire of the gateway: what is published, what a version says, and what it comes to with data.
 */
import { z } from 'zod'
import { requestChannels } from '../../domain/channel.ts'
import { contactRules } from '../../domain/contact-data.ts'
import type { Message } from '../../domain/message.ts'
import { requestNameForm } from '../../domain/request-validation.ts'
import type { LocalizedContent } from '../../domain/template.ts'
import { limitSchema, momentSchema } from './field-schemas.ts'

const listMax = 500
const versionMax = 2_147_483_647

const templateIdSchema = z
  .string()
  .regex(requestNameForm, 'a letter or digit, then up to 127 letters, digits, blanks and ._:/@-')
  .meta({ examples: ['back-in-stock'] })

export const templateParamsSchema = z.object({ templateId: templateIdSchema })

export const templatePageQuerySchema = z.strictObject({
  after: templateIdSchema.optional().describe('The last id of the page before'),
  limit: limitSchema({ max: listMax, byDefault: 100 }),
})

const headSchemas = {
  templateId: z.string(),
  version: z.int(),
  description: z.string(),
  defaultLocale: z.string().describe('What everybody gets whose language is not there'),
}

export const templatePageSchema = z
  .object({
    templates: z.array(
      z.object({
        ...headSchemas,
        publishedAt: momentSchema.nullable(),
        publishedBy: z.string().nullable(),
      }),
    ),
    next: z.string().nullable().describe('To be asked for with `after`; null on the last page'),
  })
  .meta({ id: 'TemplatePage' })

export const templateQuerySchema = z.strictObject({
  version: z
    .string()
    .regex(/^[1-9][0-9]{0,9}$/, 'a whole number from 1')
    .transform(Number)
    .refine((version) => version <= versionMax, `at most ${versionMax}`)
    .optional()
    .describe('The published one where it is left out'),
})

const callToActionSchema = z.object({ title: z.string(), url: z.string() }).nullable()

const contentSchema = z.discriminatedUnion('channel', [
  z.object({
    channel: z.literal('push'),
    title: z.string(),
    body: z.string(),
    callToAction: callToActionSchema,
    deepLink: z.string().nullable(),
  }),
  z.object({ channel: z.literal('sms'), body: z.string() }),
  z.object({
    channel: z.literal('email'),
    subject: z.string(),
    text: z.string(),
    html: z.string(),
    callToAction: callToActionSchema,
  }),
])

export const templateSchema = z
  .object({
    ...headSchemas,
    published: z.boolean(),
    contents: z.array(
      z.object({
        locale: z.string(),
        variables: z.array(z.string()).describe('What an event must bring; `list[].field`: of each map of a list'),
        content: contentSchema.describe('Its Liquid, as it was published'),
      }),
    ),
  })
  .meta({ id: 'Template' })

const scalarSchema = z.union([z.null(), z.boolean(), z.number(), z.string()])

export const previewBodySchema = z
  .strictObject({
    data: z
      .record(z.string(), z.union([scalarSchema, z.array(z.record(z.string(), scalarSchema))]))
      .default({})
      .describe('As an event would bring it'),
    locale: z
      .string()
      .refine(contactRules.locale.accepts, contactRules.locale.expected)
      .optional()
      .meta({ description: 'The person’s', examples: ['ko-KR'] }),
    channels: z.array(z.enum(requestChannels)).min(1).optional().describe('All that it has where they are left out'),
  })
  .meta({ id: 'PreviewRequest' })

const messageSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('push'),
    title: z.string(),
    body: z.string(),
    callToAction: callToActionSchema,
    deepLink: z.string().nullable(),
  }),
  z.object({ kind: z.literal('sms'), body: z.string(), segments: z.int().describe('What is paid for') }),
  z.object({ kind: z.literal('email'), subject: z.string(), text: z.string(), html: z.string() }),
])

export const previewSchema = z
  .object({
    version: z.int(),
    messages: z.array(
      z.object({
        channel: z.enum(requestChannels),
        locale: z.string().describe('That was picked'),
        message: messageSchema,
      }),
    ),
  })
  .meta({ id: 'Preview' })

export function viewOfContent({ locale, variables, content }: LocalizedContent) {
  return { locale, variables: [...variables], content }
}

/** Without what only a real delivery has: links of its own. */
export function viewOfMessage(message: Message): z.infer<typeof messageSchema> {
  switch (message.kind) {
    case 'push': {
      const { kind, title, body, callToAction, deepLink } = message
      return { kind, title, body, callToAction, deepLink }
    }
    case 'sms':
      return message
    case 'email': {
      const { kind, subject, text, html } = message
      return { kind, subject, text, html }
    }
  }
}
