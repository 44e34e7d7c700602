/**
 * `/v1/notifications`: send, look up, take back.
 */
import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { traceHeaders } from '../../domain/record-headers.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { refusals } from '../../http/problem-answers.ts'
import { refuse } from '../../http/problem.ts'
import type { HttpServer } from '../../http/server.ts'
import { validatorOf, type Validate } from '../../http/validation.ts'
import { cancelNotification, type CancelPorts } from './cancel-notification.ts'
import {
  findNotification,
  notItsOwn,
  readCursor,
  searchNotifications,
  viewOf,
  visibleSource,
  type FindPorts,
} from './find-notifications.ts'
import { runOnce, runUnderKey, type IdempotencyKeys, type StoredAnswer } from './idempotency.ts'
import {
  cancelAnswerSchema,
  cancelQuerySchema,
  envelopeSchema,
  findQuerySchema,
  listAnswerSchema,
  listQuerySchema,
  notificationIdSchema,
  notificationSchema,
  sendAnswerSchema,
  sendBodySchema,
  sendHeadersSchema,
} from './notification-schemas.ts'
import { prepareSend, publishPrepared, type SendPorts, type SendRequest } from './send-notifications.ts'

export interface NotificationPorts {
  send: SendPorts
  keys: IdempotencyKeys
  find: FindPorts
  cancel: CancelPorts
}

const tags = ['notifications']
/** A batch of 500, each with some data. */
export const batchBytesMax = 1024 * 1024
/** How far back a list goes where nothing is said. */
const listedByDefaultMs = 7 * 24 * 3_600_000

export function notificationRoutes(server: HttpServer, ports: NotificationPorts): void {
  sendRoute(server, ports)
  listRoute(server, ports.find, ports.send.now)
  findRoute(server, ports.find)
  cancelRoute(server, ports.cancel)
}

function sendRoute(server: HttpServer, { send, keys }: NotificationPorts): void {
  server.post('/v1/notifications', {
    config: { scope: 'notifications:send' },
    bodyLimit: batchBytesMax,
    schema: {
      operationId: 'sendNotifications',
      summary: 'Send one notification, or up to 500',
      description:
        'Answered once Kafka has acknowledged everything that is accepted. Of a batch each notification is judged by ' +
        'itself: 202 when all are accepted, 207 when some are, 400 when none is. A repeat of the same notification ' +
        '(same id and createdAt, or the same Idempotency-Key) changes nothing.',
      tags,
      headers: sendHeadersSchema,
      body: sendBodySchema,
      response: {
        202: sendAnswerSchema.describe('All are accepted'),
        207: sendAnswerSchema.describe('Some are accepted, the others are refused'),
        ...refusals('conflict', 'key_reused', 'too_large', 'unsupported_media_type'),
      },
    },
    validatorCompiler: ({ httpPart }) => (httpPart === 'body' ? validateEnvelope : validateHeaders),
    handler: async (request, reply) => {
      const { caller, body } = request
      const sendRequest = { caller, ...itemsOf(body), headers: traceHeaders(traceParentOf(request.headers)) }
      const work = {
        prepare: (identities: Parameters<typeof prepareSend>[1]) => prepareSend(sendRequest, identities, send),
        publish: (prepared: Parameters<typeof publishPrepared>[0]) => publishPrepared(prepared, send),
      }
      const idempotencyKey = request.headers['idempotency-key']
      const bodyHash = idempotencyKey === undefined ? undefined : hashOf(body)
      if (bodyHash === 'too_deep') return refuse(reply, { kind: 'invalid', faults: [tooDeep] })
      const outcome =
        idempotencyKey === undefined || bodyHash === undefined
          ? await runOnce(work)
          : await runUnderKey({ name: { appKey: caller.appKey, idempotencyKey }, bodyHash }, work, keys)
      if (outcome.kind === 'refused') return refuse(reply, outcome.refusal)
      return sendStored(reply, outcome.answer)
    },
  })
}

const validateHeaders = validatorOf(sendHeadersSchema, 'headers')
const validateBatch = validatorOf(envelopeSchema, 'body')
const validateOne = validatorOf(z.record(z.string(), z.unknown()), 'body')

/** Of a batch only what holds its items: they are judged one by one, so that a wrong one hides nothing of the others. */
const validateEnvelope: Validate = (body) => (isBatch(body) ? validateBatch(body) : validateOne(body))

function isBatch(body: unknown): body is { notifications: unknown[] } {
  return typeof body === 'object' && body !== null && 'notifications' in body
}

function itemsOf(body: unknown): Pick<SendRequest, 'items' | 'pathOf'> {
  return isBatch(body)
    ? { items: body.notifications, pathOf: (index) => ['notifications', index] }
    : { items: [body], pathOf: () => [] }
}

/** Byte for byte: a text is not serialised again. */
function sendStored(reply: FastifyReply, { status, body }: StoredAnswer): FastifyReply {
  return reply.code(status).type('application/json; charset=utf-8').send(body)
}

/** Of what it says: blanks between its tokens say nothing. */
const tooDeep = { field: '/', expected: 'a body that is not nested so deep' }

/**
 * Of the parsed body, so that blanks in it do not count. `JSON.stringify` recurses where `JSON.parse` does not: a body
 * that is nested too deep for it cannot be known again, and is refused.
 */
function hashOf(body: unknown): Uint8Array | 'too_deep' {
  try {
    return createHash('sha256').update(JSON.stringify(body)).digest()
  } catch (error) {
    if (error instanceof RangeError) return 'too_deep'
    throw error
  }
}

function traceParentOf(headers: Readonly<Record<string, unknown>>): { traceparent?: string } {
  const { traceparent } = headers
  return typeof traceparent === 'string' ? { traceparent } : {}
}

function listRoute(server: HttpServer, find: FindPorts, now: () => number): void {
  server.get('/v1/notifications', {
    config: { scope: 'notifications:send' },
    schema: {
      operationId: 'listNotifications',
      summary: 'List what a person was sent and not sent',
      description: 'Newest day first, in pages. An app sees its own; with the scope admin those of every app.',
      tags,
      querystring: listQuerySchema,
      response: { 200: listAnswerSchema.describe('A page'), ...refusals() },
    },
    handler: async (request, reply) => {
      const { user: userId, status = null, from, source, cursor, limit } = request.query
      const visible = visibleSource(request.caller, source)
      if (visible === undefined) return refuse(reply, notItsOwn)
      const after = cursor === undefined ? null : readCursor(cursor)
      if (after === undefined) return refuse(reply, unreadableCursor)
      const fromMs = from ?? now() - listedByDefaultMs
      return searchNotifications({ userId, ...visible, status, fromMs, after, limit }, find)
    },
  })
}

const unreadableCursor: Refusal = {
  kind: 'invalid',
  faults: [{ field: 'query/cursor', expected: 'nextCursor of an earlier page' }],
}

function findRoute(server: HttpServer, find: FindPorts): void {
  server.get('/v1/notifications/:notificationId', {
    config: { scope: 'notifications:send' },
    schema: {
      operationId: 'getNotification',
      summary: 'Say what became of a notification',
      description: 'Unknown until it is decided, moments after it was accepted.',
      tags,
      params: notificationIdSchema,
      querystring: findQuerySchema,
      response: { 200: notificationSchema.describe('Its state'), ...refusals('not_found', 'conflict') },
    },
    handler: async ({ params, query, caller }, reply) => {
      const found = await findNotification({ ...params, caller, source: query.source }, find)
      return 'kind' in found ? refuse(reply, found) : viewOf(found)
    },
  })
}

function cancelRoute(server: HttpServer, ports: CancelPorts): void {
  server.delete('/v1/notifications/:notificationId', {
    config: { scope: 'notifications:send' },
    schema: {
      operationId: 'cancelNotification',
      summary: 'Take a notification back',
      description:
        'Stops what no sender has claimed, and says what it found. One that is not decided yet is named by userId and ' +
        'createdAt besides: when it comes, it is not sent.',
      tags,
      params: notificationIdSchema,
      querystring: cancelQuerySchema,
      response: { 200: cancelAnswerSchema.describe('What was found'), ...refusals('not_found', 'conflict') },
    },
    handler: async ({ params, query, caller }, reply) => {
      const { source, userId, createdAt } = query
      const pending = userId === undefined || createdAt === undefined ? undefined : { userId, createdAtMs: createdAt }
      const outcome = await cancelNotification({ ...params, caller, source, pending }, ports)
      if (outcome.kind === 'refused') return refuse(reply, outcome.refusal)
      const { found, deliveries } = outcome.cancellation
      return {
        notificationId: params.notificationId.toLowerCase(),
        found,
        deliveries: deliveries.map(({ deliveryId, channel, state }) => ({ deliveryId, channel, state })),
      }
    },
  })
}
