/**
 * `/v1/suppressions`: addresses that nobody may write to. The list keeps keyed hashes: an address comes in the body of a
 * request, never in a path, and is not kept, logged or repeated.
 */
import { z } from 'zod'
import { requestChannels, type RequestChannel } from '../../domain/channel.ts'
import { isDeviceToken } from '../../domain/contact-address.ts'
import { contactRules } from '../../domain/contact-data.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { everyCategory, suppressionCauses, type Suppression, type SuppressionCause } from '../../domain/suppression.ts'
import { refusals } from '../../http/problem-answers.ts'
import { refuse } from '../../http/problem.ts'
import type { HttpServer } from '../../http/server.ts'
import { categoryNameSchema } from './category-schemas.ts'
import { limitSchema, momentSchema, momentText } from './field-schemas.ts'

export interface SuppressionPlace {
  addressHash: Uint8Array
  scope: string
  cause: SuppressionCause
}

export interface SuppressionPorts {
  hashAddress(channel: RequestChannel, address: string): Uint8Array
  /** In the order of their hashes. */
  page(options: { channel: RequestChannel; after: SuppressionPlace | null; limit: number }): Promise<Suppression[]>
  count(channel: RequestChannel): Promise<{ cause: SuppressionCause; count: number }[]>
  find(address: { channel: RequestChannel; addressHash: Uint8Array }): Promise<Suppression[]>
  /** @returns whether it is new. */
  add(suppression: Omit<Suppression, 'sinceMs'>): Promise<boolean>
  /** Recorded with who did it. @returns how many it took off. */
  remove(
    removal: {
      channel: RequestChannel
      addressHash: Uint8Array
      scope: string | undefined
      cause: SuppressionCause | undefined
    },
    operator: string,
  ): Promise<number>
}

const tags = ['suppressions']
const listMax = 500
const addressCharactersMax = 2048

const channelSchema = z.enum(requestChannels)
const causeSchema = z.enum(suppressionCauses)
const scopeSchema = z.union([z.literal(everyCategory), categoryNameSchema])

const addressSchemas = {
  channel: channelSchema,
  address: z
    .string()
    .min(1, { abort: true })
    .max(addressCharactersMax, { abort: true })
    .meta({ examples: ['ada@example.com'] }),
}
const addressFault = { path: ['address'], error: 'an address of the channel' }
const addressExamples = [{ channel: 'email', address: 'ada@example.com' }]

const isAddress = ({ channel, address }: { channel: RequestChannel; address: string }): boolean => {
  switch (channel) {
    case 'email':
      return contactRules.email.accepts(address)
    case 'sms':
      return contactRules.phoneNumber.accepts(address)
    case 'push':
      return isDeviceToken('android', address) || isDeviceToken('ios', address)
  }
}

const checkBodySchema = z
  .strictObject(addressSchemas)
  .refine(isAddress, addressFault)
  .meta({ id: 'SuppressionQuestion', examples: addressExamples })
const addBodySchema = z
  .strictObject({
    ...addressSchemas,
    scope: scopeSchema.default(everyCategory).describe('A category, or `all`'),
    cause: causeSchema.default('manual'),
  })
  .refine(isAddress, addressFault)
  .meta({ id: 'SuppressionData', examples: addressExamples })
const removeBodySchema = z
  .strictObject({
    ...addressSchemas,
    scope: scopeSchema.optional().describe('Only this one'),
    cause: causeSchema.optional().describe('Only this one'),
  })
  .refine(isAddress, addressFault)
  .meta({ id: 'SuppressionRemoval', examples: addressExamples })

const entrySchema = z.object({ scope: z.string(), cause: causeSchema, since: momentSchema })

const pageQuerySchema = z.strictObject({
  channel: channelSchema,
  cursor: z.string().max(1024).optional().describe('`nextCursor` of the page before'),
  limit: limitSchema({ max: listMax, byDefault: 100 }),
})

const pageSchema = z
  .object({
    suppressions: z.array(entrySchema.extend({ addressHash: z.string().describe('Keyed; in hex') })),
    counts: z
      .array(z.object({ cause: causeSchema, count: z.int() }))
      .nullable()
      .describe('Of the whole channel; on the first page alone'),
    nextCursor: z.string().nullable().describe('Null on the last page'),
  })
  .meta({ id: 'SuppressionPage' })

export function suppressionRoutes(server: HttpServer, ports: SuppressionPorts): void {
  listRoute(server, ports)
  checkRoute(server, ports)
  addRoute(server, ports)
  removeRoute(server, ports)
}

function listRoute(server: HttpServer, ports: SuppressionPorts): void {
  server.get('/v1/suppressions', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'listSuppressions',
      summary: 'List what is suppressed on a channel, and how much for which cause',
      tags,
      querystring: pageQuerySchema,
      response: { 200: pageSchema.describe('A page'), ...refusals() },
    },
    handler: async ({ query: { channel, cursor, limit } }, reply) => {
      const after = cursor === undefined ? null : readCursor(cursor)
      if (after === undefined) return refuse(reply, unreadableCursor)
      const found = await ports.page({ channel, after, limit })
      const last = found.length < limit ? undefined : found.at(-1)
      return {
        suppressions: found.map((each) => ({ ...entryOf(each), addressHash: hex(each.addressHash) })),
        counts: after === null ? await ports.count(channel) : null,
        nextCursor: last === undefined ? null : writeCursor(last),
      }
    },
  })
}

const checkAnswerSchema = z
  .object({
    suppressed: z.boolean().describe('Whether anything is on the list for it'),
    suppressions: z.array(entrySchema),
  })
  .meta({ id: 'SuppressionAnswer' })

function checkRoute(server: HttpServer, { hashAddress, find }: SuppressionPorts): void {
  server.post('/v1/suppressions/check', {
    config: { scope: 'users:write' },
    schema: {
      operationId: 'checkSuppression',
      summary: 'Ask whether an address is suppressed, and why',
      tags,
      body: checkBodySchema,
      response: {
        200: checkAnswerSchema.describe('What is on the list for it'),
        ...refusals('too_large', 'unsupported_media_type'),
      },
    },
    handler: async ({ body: { channel, address } }) => {
      const found = await find({ channel, addressHash: hashAddress(channel, address) })
      return { suppressed: found.length > 0, suppressions: found.map(entryOf) }
    },
  })
}

function addRoute(server: HttpServer, { hashAddress, add }: SuppressionPorts): void {
  const answerSchema = z.object({ added: z.boolean().describe('False where it was there already') })
  server.post('/v1/suppressions', {
    config: { scope: 'users:write' },
    schema: {
      operationId: 'addSuppression',
      summary: 'Suppress an address',
      description: 'From now on nothing is sent to it: claims ask the list just before the call.',
      tags,
      body: addBodySchema,
      response: {
        200: answerSchema.describe('It was there already'),
        201: answerSchema.describe('Suppressed'),
        ...refusals('too_large', 'unsupported_media_type'),
      },
    },
    handler: async ({ body: { channel, address, scope, cause } }, reply) => {
      const added = await add({ channel, addressHash: hashAddress(channel, address), scope, cause })
      return reply.code(added ? 201 : 200).send({ added })
    },
  })
}

function removeRoute(server: HttpServer, { hashAddress, remove }: SuppressionPorts): void {
  server.post('/v1/suppressions/remove', {
    config: { scope: 'admin' },
    schema: {
      operationId: 'removeSuppression',
      summary: 'Take an address off the list',
      description: 'For all causes and scopes, or for those that are said. Recorded with the app that did it.',
      tags,
      body: removeBodySchema,
      response: {
        200: z.object({ removed: z.int() }).describe('How many were taken off'),
        ...refusals('too_large', 'unsupported_media_type'),
      },
    },
    handler: async ({ body: { channel, address, scope, cause }, caller }) => {
      const addressHash = hashAddress(channel, address)
      return { removed: await remove({ channel, addressHash, scope, cause }, `app:${caller.appKey}`) }
    },
  })
}

function entryOf({ scope, cause, sinceMs }: Suppression): z.infer<typeof entrySchema> {
  return { scope, cause, since: momentText(sinceMs) }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function writeCursor({ addressHash, scope, cause }: Suppression): string {
  return Buffer.from(JSON.stringify([hex(addressHash), scope, cause])).toString('base64url')
}

const cursorSchema = z.tuple([z.string().regex(/^([0-9a-f]{2}){1,64}$/), z.string(), causeSchema])

/** Undefined for what `writeCursor` cannot have made. */
function readCursor(cursor: string): SuppressionPlace | undefined {
  try {
    const read = cursorSchema.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
    if (!read.success || read.data[1].includes('\0')) return undefined
    const [addressHash, scope, cause] = read.data
    return { addressHash: Buffer.from(addressHash, 'hex'), scope, cause }
  } catch {
    return undefined
  }
}

const unreadableCursor: Refusal = {
  kind: 'invalid',
  faults: [{ field: 'query/cursor', expected: 'nextCursor of an earlier page' }],
}
