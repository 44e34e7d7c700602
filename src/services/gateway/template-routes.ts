/**
 * `/v1/templates`: what is published, and what it says with an app's data. Publishing is the command line's: it compiles
 * folders.
 */
import type { TemplateDraft } from '../../domain/template.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { refusals } from '../../http/problem-answers.ts'
import { refuse } from '../../http/problem.ts'
import type { HttpServer } from '../../http/server.ts'
import { createLiquidEngine } from '../templates/liquid.ts'
import { momentTextOrNull } from './field-schemas.ts'
import { previewTemplate } from './preview-template.ts'
import {
  previewBodySchema,
  previewSchema,
  templatePageQuerySchema,
  templatePageSchema,
  templateParamsSchema,
  templateQuerySchema,
  templateSchema,
  viewOfContent,
  viewOfMessage,
} from './template-schemas.ts'

export interface PublishedHead extends Omit<TemplateDraft, 'contents'> {
  version: number
  /** Unix ms; null where nobody said so. */
  publishedAtMs: number | null
  publishedBy: string | null
}

export interface StoredVersion extends TemplateDraft {
  version: number
  isPublished: boolean
}

export interface TemplatePorts {
  /** Published versions in the order of their ids, from the first after `after`. */
  listPublished(page: { after: string | null; limit: number }): Promise<PublishedHead[]>
  /** @param version null for the published one. */
  loadVersion(templateId: string, version: number | null): Promise<StoredVersion | undefined>
}

const tags = ['templates']
const unknownTemplate: Refusal = { kind: 'not_found', detail: 'no such version of a template' }

export function templateRoutes(server: HttpServer, ports: TemplatePorts): void {
  listRoute(server, ports)
  getRoute(server, ports)
  previewRoute(server, ports)
}

function listRoute(server: HttpServer, { listPublished }: TemplatePorts): void {
  server.get('/v1/templates', {
    config: { scope: 'any' },
    schema: {
      operationId: 'listTemplates',
      summary: 'List the published templates',
      tags,
      querystring: templatePageQuerySchema,
      response: { 200: templatePageSchema.describe('A page, in the order of the ids'), ...refusals() },
    },
    handler: async ({ query: { after = null, limit } }) => {
      const heads = await listPublished({ after, limit })
      const last = heads.length < limit ? undefined : heads.at(-1)
      const templates = heads.map(({ publishedAtMs, ...head }) => ({
        ...head,
        publishedAt: momentTextOrNull(publishedAtMs),
      }))
      return { templates, next: last?.templateId ?? null }
    },
  })
}

function getRoute(server: HttpServer, { loadVersion }: TemplatePorts): void {
  server.get('/v1/templates/:templateId', {
    config: { scope: 'any' },
    schema: {
      operationId: 'getTemplate',
      summary: 'Read what a template says',
      tags,
      params: templateParamsSchema,
      querystring: templateQuerySchema,
      response: { 200: templateSchema.describe('A version with all of its parts'), ...refusals('not_found') },
    },
    handler: async ({ params: { templateId }, query: { version = null } }, reply) => {
      const found = await loadVersion(templateId, version)
      if (found === undefined) return refuse(reply, unknownTemplate)
      const { isPublished, contents, ...head } = found
      return { ...head, published: isPublished, contents: contents.map(viewOfContent) }
    },
  })
}

function previewRoute(server: HttpServer, { loadVersion }: TemplatePorts): void {
  const engine = createLiquidEngine()
  server.post('/v1/templates/:templateId/preview', {
    config: { scope: 'any' },
    schema: {
      operationId: 'previewTemplate',
      summary: 'Show what each channel would get',
      description: 'Nothing is sent. What would make an event fail is named.',
      tags,
      params: templateParamsSchema,
      querystring: templateQuerySchema,
      body: previewBodySchema,
      response: {
        200: previewSchema.describe('The messages'),
        ...refusals('not_found', 'too_large', 'unsupported_media_type'),
      },
    },
    handler: async ({ params: { templateId }, query: { version = null }, body }, reply) => {
      const found = await loadVersion(templateId, version)
      if (found === undefined) return refuse(reply, unknownTemplate)
      const { data, locale = null, channels = null } = body
      const preview = previewTemplate(found, { data, locale, channels }, engine)
      if ('faults' in preview) return refuse(reply, { kind: 'invalid', faults: preview.faults })
      const messages = preview.messages.map(({ message, ...rest }) => ({ ...rest, message: viewOfMessage(message) }))
      return { version: found.version, messages }
    },
  })
}
