/**
 * `GET /v1/users/{userId}/preference-link`: the way to the person's own page, for a service that shows it in its settings.
 */
import { z } from 'zod'
import { refusals } from '../../http/problem-answers.ts'
import { refuse } from '../../http/problem.ts'
import type { HttpServer } from '../../http/server.ts'
import type { WriteThroughPorts } from '../people/write-through.ts'
import { momentSchema, momentText } from './field-schemas.ts'
import { unknownUser } from './user-routes.ts'
import { userParamsSchema } from './user-schemas.ts'

export interface PreferenceLinkPorts extends Pick<WriteThroughPorts, 'loadProfiles'> {
  /** Signed now; undefined where this Fanfare has no edge. */
  linkTo(userId: number): { url: string; expiresAtMs: number } | undefined
}

const linkSchema = z
  .object({
    url: z.string().describe('Whoever has it may change the person’s preferences: give it to nobody else'),
    expiresAt: momentSchema,
  })
  .meta({ id: 'PreferenceLink' })

export function preferenceLinkRoute(server: HttpServer, { loadProfiles, linkTo }: PreferenceLinkPorts): void {
  server.get('/v1/users/:userId/preference-link', {
    config: { scope: 'users:write' },
    schema: {
      operationId: 'getPreferenceLink',
      summary: 'Make a link to a person’s preference page',
      description: 'It needs no password; each call makes another one. 409 where this Fanfare has no edge.',
      tags: ['settings'],
      params: userParamsSchema,
      response: { 200: linkSchema.describe('The link'), ...refusals('not_found', 'conflict') },
    },
    handler: async ({ params: { userId } }, reply) => {
      if (!(await loadProfiles([userId])).has(userId)) return refuse(reply, unknownUser)
      const link = linkTo(userId)
      if (link === undefined) return refuse(reply, { kind: 'conflict', detail: 'FANFARE_EDGE_URL is not set here' })
      return { url: link.url, expiresAt: momentText(link.expiresAtMs) }
    },
  })
}
