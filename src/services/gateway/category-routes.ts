/**
 * `/v1/categories`: which notifications there are, and the rules of each. Routers hear of a change at once.
 */
import type { CategoryRules } from '../../domain/category-rules.ts'
import { refusals } from '../../http/problem-answers.ts'
import { refuse } from '../../http/problem.ts'
import type { HttpServer } from '../../http/server.ts'
import {
  categoryOf,
  categoryPageQuerySchema,
  categoryPageSchema,
  categoryParamsSchema,
  categorySchema,
  putCategorySchema,
  viewOfCategory,
} from './category-schemas.ts'

export interface CategoryPorts {
  /** In the order of their names, from the first after `after`. */
  listCategories(page: { after: string | null; limit: number }): Promise<CategoryRules[]>
  findCategory(name: string): Promise<CategoryRules | undefined>
  /** Recorded with who did it. `unknown_template`: no version of its template is published. */
  putCategory(rules: CategoryRules, operator: string): Promise<'created' | 'changed' | 'unknown_template'>
}

const tags = ['categories']

export function categoryRoutes(server: HttpServer, ports: CategoryPorts): void {
  listRoute(server, ports)
  getRoute(server, ports)
  putRoute(server, ports)
}

function listRoute(server: HttpServer, { listCategories }: CategoryPorts): void {
  server.get('/v1/categories', {
    config: { scope: 'any' },
    schema: {
      operationId: 'listCategories',
      summary: 'List the categories with their rules',
      tags,
      querystring: categoryPageQuerySchema,
      response: { 200: categoryPageSchema.describe('A page, in the order of the names'), ...refusals() },
    },
    handler: async ({ query: { after = null, limit } }) => {
      const categories = await listCategories({ after, limit })
      const last = categories.length < limit ? undefined : categories.at(-1)
      return { categories: categories.map(viewOfCategory), next: last?.name ?? null }
    },
  })
}

function getRoute(server: HttpServer, { findCategory }: CategoryPorts): void {
  server.get('/v1/categories/:name', {
    config: { scope: 'any' },
    schema: {
      operationId: 'getCategory',
      summary: 'Read the rules of a category',
      tags,
      params: categoryParamsSchema,
      response: { 200: categorySchema.describe('The category'), ...refusals('not_found') },
    },
    handler: async ({ params: { name } }, reply) => {
      const category = await findCategory(name)
      return category === undefined
        ? refuse(reply, { kind: 'not_found', detail: 'no such category' })
        : viewOfCategory(category)
    },
  })
}

function putRoute(server: HttpServer, { putCategory }: CategoryPorts): void {
  server.put('/v1/categories/:name', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'putCategory',
      summary: 'Write the rules of a category, new or known',
      description:
        'All of them: what is left out has its default. They hold for whatever is decided from now on; what is on its ' +
        'way keeps what it was decided by. The change is recorded with the app that made it.',
      tags,
      params: categoryParamsSchema,
      body: putCategorySchema,
      response: {
        200: categorySchema.describe('Changed'),
        201: categorySchema.describe('Created'),
        ...refusals('too_large', 'unsupported_media_type'),
      },
    },
    handler: async ({ params: { name }, body, caller }, reply) => {
      const rules = categoryOf(name, body)
      const outcome = await putCategory(rules, `app:${caller.appKey}`)
      if (outcome === 'unknown_template') {
        const fault = { field: '/templateId', expected: 'the id of a published template' }
        return refuse(reply, { kind: 'invalid', faults: [fault] })
      }
      return reply.code(outcome === 'created' ? 201 : 200).send(viewOfCategory(rules))
    },
  })
}
