/**
 * Notifications on the wire of the gateway: what a service asks for, what it is answered, what it may look at later.
 */
import { z } from 'zod'
import { channels, lanes, requestChannels } from '../../domain/channel.ts'
import { deliveryStates } from '../../domain/delivery-state.ts'
import { decisionKinds } from '../../domain/notification-log.ts'
import { requestNameForm } from '../../domain/request-validation.ts'
import { givenMomentSchema, limitSchema, momentSchema, userIdSchema, userIdTextSchema } from './field-schemas.ts'

/** So many notifications may come in one request. */
export const batchMax = 500
const listMax = 100
const listByDefault = 25

const nameSchema = z
  .string()
  .regex(requestNameForm, 'a letter or digit, then up to 127 letters, digits, blanks and ._:/@-')

const scalarSchema = z.union([z.null(), z.boolean(), z.number(), z.string()])
const dataSchema = z.record(z.string(), z.union([scalarSchema, z.array(z.record(z.string(), scalarSchema))]))

export const notificationRequestSchema = z
  .strictObject({
    notificationId: z.guid().optional().describe('The event id, best a UUIDv7; made where it is left out'),
    userId: userIdSchema,
    category: nameSchema,
    template: nameSchema.nullish().describe('A template id; the category’s where it is left out'),
    locale: z.string().min(2).max(35).nullish().describe('BCP 47; the person’s where it is left out'),
    data: dataSchema.default({}).describe('Parameters of the template. Money and integers beyond 2^53 are strings.'),
    channels: z
      .array(z.enum(requestChannels))
      .max(requestChannels.length)
      .nullish()
      .describe('The category’s where they are left out'),
    sendAt: givenMomentSchema.nullish().describe('Not before; at most 21 days after createdAt'),
    expiresAt: givenMomentSchema.nullish().describe('Not after; the category’s time to live bounds it'),
    collapseKey: nameSchema.nullish().describe('A later push with it replaces an earlier one'),
    createdAt: givenMomentSchema
      .optional()
      .describe('When the event happened; now where it is left out. A repeat carries the same.'),
  })
  .meta({ id: 'NotificationRequest' })
export type NotificationRequest = z.infer<typeof notificationRequestSchema>

const notificationBatchSchema = z
  .strictObject({ notifications: z.array(notificationRequestSchema).min(1).max(batchMax) })
  .meta({ id: 'NotificationBatch' })

/** As it is documented; `envelopeSchema` is what a body is checked against before its items are. */
export const sendBodySchema = z.union([notificationRequestSchema, notificationBatchSchema])

/** One that is wrong must not hide what is right or wrong about the others, so items are looked at one by one. */
export const envelopeSchema = z.strictObject({ notifications: z.array(z.unknown()).min(1).max(batchMax) })

const faultSchema = z.object({ field: z.string(), expected: z.string(), received: z.string().optional() })

export const sendAnswerSchema = z
  .object({
    accepted: z.array(
      z.object({
        index: z.int().describe('In the request'),
        notificationId: z.guid(),
        createdAt: momentSchema,
      }),
    ),
    refused: z
      .array(z.object({ index: z.int(), faults: z.array(faultSchema) }))
      .describe('Nothing was published of these'),
  })
  .meta({ id: 'SendAnswer' })
export type SendAnswer = z.infer<typeof sendAnswerSchema>

export const sendHeadersSchema = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, '1 to 255 visible ASCII characters')
    .optional()
    .describe('Kept for 24 hours: a repeat with the same body is answered byte for byte as the first time'),
})

const deliverySchema = z
  .object({
    deliveryId: z.guid(),
    channel: z.enum(channels),
    state: z.enum(deliveryStates),
    reason: z.string().nullable(),
    attempt: z.int().describe('Attempts spent so far'),
    provider: z.string().nullable(),
    templateId: z.string(),
    templateVersion: z.int(),
    locale: z.string(),
    nextDueAt: momentSchema.nullable(),
    expiresAt: momentSchema,
    updatedAt: momentSchema,
    deliveredAt: momentSchema
      .nullable()
      .describe('When it was first reported, as are the four below; null where it was not'),
    bouncedAt: momentSchema.nullable(),
    openedAt: momentSchema.nullable(),
    clickedAt: momentSchema.nullable(),
    unsubscribedAt: momentSchema.nullable(),
  })
  .meta({ id: 'Delivery' })

export const notificationSchema = z
  .object({
    notificationId: z.guid(),
    source: z.string().describe('The app that asked'),
    userId: userIdSchema,
    category: z.string().nullable().describe('Null where it was cancelled before it came, as are lane and createdAt'),
    lane: z.enum(lanes).nullable(),
    decision: z.enum(decisionKinds).describe('What was decided last; what became of it is in its deliveries'),
    reason: z.string().nullable(),
    detail: z.string().nullable().describe('What the reason is about'),
    pass: z.int().describe('Deferrals so far'),
    deferredUntil: momentSchema.nullable(),
    suppressedChannels: z.array(z.object({ channel: z.enum(requestChannels), reason: z.string() })),
    createdAt: momentSchema.nullable(),
    decidedAt: momentSchema,
    cancelledAt: momentSchema.nullable(),
    deliveries: z.array(deliverySchema),
  })
  .meta({ id: 'Notification' })
export type NotificationView = z.infer<typeof notificationSchema>

const notificationStatuses = [...new Set([...decisionKinds, ...deliveryStates])] as const

export const notificationIdSchema = z.object({ notificationId: z.guid() })

const sourceSchema = nameSchema
  .optional()
  .describe('The app that asked: of `admin` alone; every other app sees its own')

export const findQuerySchema = z.strictObject({ source: sourceSchema })

export const cancelQuerySchema = z.strictObject({
  source: sourceSchema,
  userId: userIdTextSchema.optional().describe('Of one that has not been decided yet, with createdAt'),
  createdAt: givenMomentSchema.optional().describe('Of one that has not been decided yet, with userId'),
})

export const cancelAnswerSchema = z
  .object({
    notificationId: z.guid(),
    found: z
      .enum([...decisionKinds, 'absent'])
      .describe('The decision before; `absent` where it has not come: when it does, it is not sent'),
    deliveries: z.array(z.object({ deliveryId: z.guid(), channel: z.enum(channels), state: z.enum(deliveryStates) })),
  })
  .meta({ id: 'CancelAnswer' })

export const listQuerySchema = z.strictObject({
  user: userIdTextSchema.describe('Whose notifications'),
  status: z.enum(notificationStatuses).optional().describe('A decision, or the state of one of its deliveries'),
  from: givenMomentSchema.optional().describe('Created not before; 7 days ago where it is left out'),
  source: sourceSchema,
  cursor: z.string().max(512).optional().describe('`nextCursor` of the page before'),
  limit: limitSchema({ max: listMax, byDefault: listByDefault }).describe(
    `Items of a page, at most ${listMax}; ${listByDefault} where it is left out`,
  ),
})

export const listAnswerSchema = z
  .object({
    notifications: z.array(notificationSchema),
    nextCursor: z.string().nullable().describe('Null on the last page'),
  })
  .meta({ id: 'NotificationPage' })
