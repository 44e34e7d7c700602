/**
 * Which templates are published, in pages.
 */
import { build, runBuilt } from './built-statement.ts'
import type { Queryable } from './hot-path-pool.ts'

export interface PublishedHead {
  templateId: string
  version: number
  description: string
  defaultLocale: string
  /** When and by whom it was published last, Unix ms; null where nobody said so. */
  publishedAtMs: number | null
  publishedBy: string | null
}

/** In the order of the ids, from the first after `after`. */
export async function listPublishedTemplates(
  pool: Queryable,
  { after, limit }: { after: string | null; limit: number },
): Promise<PublishedHead[]> {
  const page = build('templates')
    .select('template_id', 'version', 'description', 'default_locale', 'published_at', 'published_by')
    .where({ published: true })
    .orderBy('template_id')
    .limit(limit)
  const rows = await runBuilt<HeadRow>(pool, after === null ? page : page.where('template_id', '>', after))
  return rows.map((row) => ({
    templateId: row.template_id,
    version: row.version,
    description: row.description,
    defaultLocale: row.default_locale,
    publishedAtMs: row.published_at,
    publishedBy: row.published_by,
  }))
}

interface HeadRow {
  template_id: string
  version: number
  description: string
  default_locale: string
  published_at: number | null
  published_by: string | null
}
