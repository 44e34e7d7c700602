/**
 * `/v1/users`: who people are and how they are reached. Whatever changes is in the cache before the answer, so that the
 * next notification goes by it.
 */
import { z } from 'zod'
import type { PersonChange } from '../../domain/person-change.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { refusals } from '../../http/problem-answers.ts'
import { refuse } from '../../http/problem.ts'
import type { HttpServer } from '../../http/server.ts'
import { erasePeople, type ErasePorts } from '../people/erase.ts'
import { writeThrough, type WriteThroughPorts } from '../people/write-through.ts'
import { changeOf, putUserSchema, userParamsSchema, userSchema, viewOfUser } from './user-schemas.ts'

export interface UserPorts {
  /** In one transaction. @returns whose profile is another now. */
  change(changes: readonly PersonChange[]): Promise<{ touched: readonly number[] }>
  writeThrough: WriteThroughPorts
  erasure: ErasePorts
}

const tags = ['users']
const config = { scope: 'users:write' } as const

export const unknownUser: Refusal = { kind: 'not_found', detail: 'no such user' }

export function userRoutes(server: HttpServer, ports: UserPorts): void {
  putRoute(server, ports)
  getRoute(server, ports.writeThrough)
  deleteRoute(server, ports.erasure)
}

function putRoute(server: HttpServer, ports: UserPorts): void {
  server.put('/v1/users/:userId', {
    config,
    schema: {
      operationId: 'putUser',
      summary: 'Write what is known of a person',
      description:
        'The whole contact data, of somebody new or known. Devices and settings stay. Where users.changed brings the ' +
        'person too, its next record replaces what is written here.',
      tags,
      params: userParamsSchema,
      body: putUserSchema,
      response: {
        200: userSchema.describe('The person as they are now'),
        ...refusals('not_found', 'too_large', 'unsupported_media_type'),
      },
    },
    handler: async ({ params: { userId }, body }, reply) => {
      const { touched } = await ports.change([changeOf(userId, body, 'kept')])
      const profile = (await writeThrough([userId, ...touched], ports.writeThrough)).get(userId)
      // Erased by somebody else in this moment.
      return profile === undefined ? refuse(reply, unknownUser) : viewOfUser(profile)
    },
  })
}

function getRoute(server: HttpServer, { loadProfiles }: WriteThroughPorts): void {
  server.get('/v1/users/:userId', {
    config,
    schema: {
      operationId: 'getUser',
      summary: 'Read what is known of a person',
      tags,
      params: userParamsSchema,
      response: { 200: userSchema.describe('The person'), ...refusals('not_found') },
    },
    handler: async ({ params: { userId } }, reply) => {
      const profile = (await loadProfiles([userId])).get(userId)
      return profile === undefined ? refuse(reply, unknownUser) : viewOfUser(profile)
    },
  })
}

const erasedSchema = z
  .object({
    erased: z.boolean().describe('Whether there was anybody to erase'),
    cancelled: z
      .int()
      .describe('Waiting notifications and deliveries that are cancelled, each told on the status topic'),
  })
  .meta({ id: 'ErasedUser' })

function deleteRoute(server: HttpServer, erasure: ErasePorts): void {
  server.delete('/v1/users/:userId', {
    config,
    schema: {
      operationId: 'deleteUser',
      summary: 'Erase a person',
      description:
        'Contact data, devices and settings are gone, and what waits for the person is cancelled. Keyed hashes of ' +
        'suppressed addresses stay. Asked again it cancels what came meanwhile.',
      tags,
      params: userParamsSchema,
      response: { 200: erasedSchema.describe('Done'), ...refusals() },
    },
    handler: async ({ params: { userId } }) => {
      const { existed, cancelled } = await erasePeople([userId], erasure)
      return { erased: existed > 0, cancelled }
    },
  })
}
