/**
 * `POST /v1/users:import`: many people at once, as NDJSON in both directions.
 */
import { z } from 'zod'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { longestRequestMs } from '../../http/body-deadline.ts'
import { answerNdjson, bodyLines, ndjsonContentType, takeNdjson } from '../../http/ndjson.ts'
import { refusals } from '../../http/problem-answers.ts'
import { refuse } from '../../http/problem.ts'
import type { HttpServer } from '../../http/server.ts'
import { importEndReasons, importUsers, type ImportPorts } from './import-users.ts'
import { importedUserSchema } from './user-schemas.ts'

/** Some 200,000 people with a device each. */
const bodyBytesMax = 64 * 1024 * 1024
/** A hundred devices with the longest tokens of today. */
const lineBytesMax = 64 * 1024

const countSchemas = {
  lines: z.int().describe('That were read'),
  taken: z.int().describe('That are written'),
  faulty: z.int(),
}

const reportSchema = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('fault'),
      line: z.int().describe('Counted from 1'),
      faults: z.array(z.object({ field: z.string(), expected: z.string() })),
    }),
    z.object({ kind: z.literal('progress'), ...countSchemas }),
    z.object({
      kind: z.literal('end'),
      complete: z.boolean().describe('Whether every line was read. Without this line the connection broke.'),
      reason: z.enum(importEndReasons).optional().describe('Where it is not complete'),
      ...countSchemas,
    }),
  ])
  .meta({ id: 'ImportReport', description: 'One line of the answer' })

export function importRoutes(server: HttpServer, ports: ImportPorts): void {
  // A server of its own within the server, because a body of another type is nothing to it.
  void server.register((scoped, _options, done) => {
    const own = scoped.withTypeProvider<ZodTypeProvider>()
    takeNdjson(own)
    importRoute(own, ports)
    done()
  })
}

function importRoute(server: HttpServer, ports: ImportPorts): void {
  server.post('/v1/users::import', {
    config: { scope: 'users:write', requestLimitMs: longestRequestMs },
    schema: {
      operationId: 'importUsers',
      summary: 'Write many people',
      description:
        'One person a line, as putUser takes them, with userId and perhaps all of their devices. What is known is ' +
        'written over. The answer comes while the body is read: a line for each faulty line, a line for each batch of ' +
        '500 that is written, and one that says how it ended. Faulty lines are left out and nothing else. If the ' +
        'connection breaks, whole batches are written or not at all, and the same body may be sent again. At most ' +
        `${bodyBytesMax / 1024 / 1024} MiB, ${lineBytesMax / 1024} KiB a line, and 10,000 faulty lines.`,
      tags: ['users'],
      consumes: [ndjsonContentType],
      // Of a line.
      body: importedUserSchema,
      response: {
        200: {
          description: 'What became of the lines',
          content: { [ndjsonContentType]: { schema: reportSchema } },
        },
        ...refusals('too_large', 'unsupported_media_type'),
      },
    },
    // The body is a stream; its lines are looked at one by one.
    validatorCompiler: () => (value) => ({ value }),
    handler: async (request, reply) => {
      // Not what the schema says: the validator lets the stream through.
      const body: unknown = request.body
      if (!isByteStream(body)) return refuse(reply, { kind: 'unsupported_media_type', expected: ndjsonContentType })
      if (Number(request.headers['content-length']) > bodyBytesMax) {
        return refuse(reply, { kind: 'too_large', limitBytes: bodyBytesMax })
      }
      const answer = answerNdjson(reply)
      await importUsers(bodyLines(body, { lineBytesMax, bodyBytesMax }), answer.write, ports)
      answer.end()
      return reply
    },
  })
}

function isByteStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}
