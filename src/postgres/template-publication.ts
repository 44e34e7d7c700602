/**
 * Versions of templates as people publish them: each publication is one transaction that adds a whole version, moves the
 * published flag, and records who did it. What a version says never changes, so going back is moving the flag.
 */
import { isDeepStrictEqual } from 'node:util'
import type { RequestChannel } from '../domain/channel.ts'
import type { LocalizedContent, TemplateDraft } from '../domain/template.ts'
import type { HotPathPool, Queryable } from './hot-path-pool.ts'
import { createOperatorActions } from './operator-actions.ts'
import { loadStatement } from './statement.ts'
import { toContent } from './templates.ts'

const lockStatement = loadStatement('lock-template')
const loadVersionStatement = loadStatement('load-template-version')
const unpublishStatement = loadStatement('unpublish-template')
const insertVersionStatement = loadStatement('insert-template-version')
const insertContentsStatement = loadStatement('insert-template-contents')
const publishVersionStatement = loadStatement('publish-template-version')
const listStatement = loadStatement('list-templates')

export type Publication =
  | { kind: 'published'; version: number; before: number | null }
  /** The published version says the same already. */
  | { kind: 'unchanged'; version: number }

/** Adds the draft as a new version and publishes it, unless the published one says the same. */
export function publishTemplate(pool: HotPathPool, draft: TemplateDraft, operator: string): Promise<Publication> {
  return pool.transaction(async (connection) => {
    await connection.query(lockStatement, [draft.templateId])
    const published = await loadTemplateVersion(connection, draft.templateId, null)
    if (published !== undefined && saysTheSame(published, draft)) {
      return { kind: 'unchanged', version: published.version }
    }
    await connection.query(unpublishStatement, [draft.templateId])
    const version = await insertVersion(connection, draft, operator)
    const before = published?.version ?? null
    await recordAction(connection, {
      operator,
      action: 'templates.publish',
      templateId: draft.templateId,
      version,
      before,
    })
    return { kind: 'published', version, before }
  })
}

export type RollBack = Publication | { kind: 'unknown_version' }

/** Publishes an older version (or a newer one) again. Deliveries that are pinned to another one keep it. */
export function rollBackTemplate(
  pool: HotPathPool,
  { templateId, version }: { templateId: string; version: number },
  operator: string,
): Promise<RollBack> {
  return pool.transaction(async (connection): Promise<RollBack> => {
    await connection.query(lockStatement, [templateId])
    const wanted = await loadTemplateVersion(connection, templateId, version)
    if (wanted === undefined) return { kind: 'unknown_version' }
    const published = await loadTemplateVersion(connection, templateId, null)
    if (published?.version === version) return { kind: 'unchanged', version }
    await connection.query(unpublishStatement, [templateId])
    await connection.query(publishVersionStatement, [templateId, version, operator])
    const before = published?.version ?? null
    await recordAction(connection, { operator, action: 'templates.rollback', templateId, version, before })
    return { kind: 'published', version, before }
  })
}

export interface TemplateVersion extends TemplateDraft {
  version: number
  isPublished: boolean
}

/** @param version null for the published one. @returns undefined where there is none. */
export async function loadTemplateVersion(
  pool: Queryable,
  templateId: string,
  version: number | null,
): Promise<TemplateVersion | undefined> {
  const rows = await pool.query<VersionRow>(loadVersionStatement, [templateId, version])
  const [first] = rows
  if (first === undefined) return undefined
  return {
    templateId,
    version: first.version,
    isPublished: first.published,
    description: first.description,
    defaultLocale: first.default_locale,
    contents: rows.flatMap((row) => (row.channel === null ? [] : [toLocalizedContent(row)])),
  }
}

export interface ListedVersion {
  templateId: string
  version: number
  isPublished: boolean
  description: string
  defaultLocale: string
  /** `push en ko`, one for each channel. */
  contents: string[]
  createdAtMs: number
  /** When and by whom it was published last; null where nobody said so. */
  publishedAtMs: number | null
  publishedBy: string | null
}

/** By template, the newest version first. @param templateId null for all. */
export async function listTemplateVersions(
  pool: Queryable,
  { templateId, limit }: { templateId: string | null; limit: number },
): Promise<ListedVersion[]> {
  const rows = await pool.query<ListedRow>(listStatement, [templateId, limit])
  return rows.map((row) => ({
    templateId: row.template_id,
    version: row.version,
    isPublished: row.published,
    description: row.description,
    defaultLocale: row.default_locale,
    contents: row.contents,
    createdAtMs: row.created_at,
    publishedAtMs: row.published_at,
    publishedBy: row.published_by,
  }))
}

interface VersionHead {
  version: number
  published: boolean
  description: string
  default_locale: string
}
type VersionRow = VersionHead & (ContentOfVersion | { channel: null })

interface ContentOfVersion {
  template_id: string
  version: number
  channel: RequestChannel
  locale: string
  variables: string[]
  content: Record<string, unknown>
}

interface ListedRow extends VersionHead {
  template_id: string
  contents: string[]
  created_at: number
  published_at: number | null
  published_by: string | null
}

function toLocalizedContent(row: ContentOfVersion): LocalizedContent {
  return { locale: row.locale, content: toContent(row), variables: row.variables }
}

function saysTheSame(published: TemplateVersion, draft: TemplateDraft): boolean {
  return isDeepStrictEqual(comparable(published), comparable(draft))
}

/** In one order, whatever order the files or the rows came in. */
function comparable({ description, defaultLocale, contents }: TemplateDraft) {
  const byPlace = contents.map(({ locale, content, variables }) => {
    return [`${content.channel} ${locale}`, { ...content }, [...variables].toSorted()] as const
  })
  return { description, defaultLocale, contents: new Map(byPlace.map(([place, ...rest]) => [place, rest])) }
}

async function insertVersion(connection: Queryable, draft: TemplateDraft, operator: string): Promise<number> {
  const { templateId, description, defaultLocale } = draft
  const [row] = await connection.query<{ version: number }>(insertVersionStatement, [
    templateId,
    description,
    defaultLocale,
    operator,
  ])
  if (row === undefined) throw new Error(`template ${templateId} got no version`)
  const contents = draft.contents.map(({ locale, variables, content: { channel, ...content } }) => ({
    channel,
    locale,
    variables,
    content,
  }))
  await connection.query(insertContentsStatement, [templateId, row.version, JSON.stringify(contents)])
  return row.version
}

interface Change {
  operator: string
  action: 'templates.publish' | 'templates.rollback'
  templateId: string
  version: number
  /** The version that was published until now. */
  before: number | null
}

async function recordAction(connection: Queryable, change: Change): Promise<void> {
  const { operator, action, templateId, version, before } = change
  const actions = createOperatorActions(connection)
  const actionId = await actions.begin({ operator, action, target: templateId, choices: { version, before } })
  await actions.end(actionId, { published: 1 })
}
