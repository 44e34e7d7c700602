/**
 * Templates in Postgres: which version is published, and what a version says.
 *
 * A version's contents never change (the database refuses it), so they may be cached for ever; which version is
 * published may change at any moment.
 */
import { z } from 'zod'
import type { RequestChannel } from '../domain/channel.ts'
import type { PublishedTemplate, TemplateContent } from '../domain/template.ts'
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { column, withoutNul } from './values.ts'

const loadPublishedStatement = loadStatement('load-published-templates')
const loadContentsStatement = loadStatement('load-template-contents')

interface TemplateContentKey {
  templateId: string
  version: number
  channel: RequestChannel
  locale: string
}

export interface Templates {
  /** The published versions of those templates that have one, in one round trip. Ids may be anything that a request said. */
  loadPublished(templateIds: readonly string[]): Promise<Map<string, PublishedTemplate>>
  /**
   * The contents asked for, in order, undefined where there is none; one round trip. Throws if a stored content is not
   * what its channel needs: nothing that we write is.
   */
  loadContents(keys: readonly TemplateContentKey[]): Promise<(TemplateContent | undefined)[]>
}

export function createTemplates(pool: Queryable): Templates {
  async function loadPublished(templateIds: readonly string[]): Promise<Map<string, PublishedTemplate>> {
    const askable = templateIds.filter((templateId) => templateId === withoutNul(templateId))
    const templates = new Map<string, PublishedTemplate>()
    if (askable.length === 0) return templates
    const rows = await pool.query<PublishedRow>(loadPublishedStatement, [[...new Set(askable)]])
    for (const {
      template_id: templateId,
      version,
      default_locale: defaultLocale,
      channel,
      locale,
      variables,
    } of rows) {
      const template = templates.get(templateId) ?? { templateId, version, defaultLocale, contentsOf: {} }
      if (channel !== null)
        template.contentsOf[channel] = [...(template.contentsOf[channel] ?? []), { locale, variables }]
      templates.set(templateId, template)
    }
    return templates
  }

  async function loadContents(keys: readonly TemplateContentKey[]): Promise<(TemplateContent | undefined)[]> {
    if (keys.length === 0) return []
    const rows = await pool.query<TemplateContentRow>(loadContentsStatement, [
      column(keys, (key) => key.templateId),
      column(keys, (key) => key.version),
      column(keys, (key) => key.channel),
      column(keys, (key) => key.locale),
    ])
    const contentOf = new Map(rows.map((row) => [nameOf({ ...row, templateId: row.template_id }), toContent(row)]))
    return keys.map((key) => contentOf.get(nameOf(key)))
  }

  return { loadPublished, loadContents }
}

type PublishedRow = { template_id: string; version: number; default_locale: string } & (
  | { channel: RequestChannel; locale: string; variables: string[] }
  | { channel: null; locale: null; variables: null }
)

export interface TemplateContentRow {
  template_id: string
  version: number
  channel: RequestChannel
  locale: string
  content: Record<string, unknown>
}

function nameOf({ templateId, version, channel, locale }: TemplateContentKey): string {
  return JSON.stringify([templateId, version, channel, locale])
}

const callToAction = z.strictObject({ title: z.string(), url: z.string() }).nullable()

/** Versions from before deep links do not say it. */
const deepLink = z.string().nullable().default(null)

const templateContent = z.discriminatedUnion('channel', [
  z.strictObject({ channel: z.literal('push'), title: z.string(), body: z.string(), callToAction, deepLink }),
  z.strictObject({ channel: z.literal('sms'), body: z.string() }),
  z.strictObject({
    channel: z.literal('email'),
    subject: z.string(),
    text: z.string(),
    html: z.string(),
    callToAction,
  }),
]) satisfies z.ZodType<TemplateContent>

/** The channel is the row's: what is stored need not repeat it, and may not contradict it. */
export function toContent({
  template_id: templateId,
  version,
  channel,
  locale,
  content,
}: TemplateContentRow): TemplateContent {
  const parsed = templateContent.safeParse({ channel, ...content })
  if (parsed.success && parsed.data.channel === channel) return parsed.data
  const faults = parsed.error?.issues.map((issue) => issue.path.join('.')).join(', ') ?? 'channel'
  throw new Error(`template ${templateId} version ${version}, ${channel} ${locale}, is malformed at: ${faults}`)
}
