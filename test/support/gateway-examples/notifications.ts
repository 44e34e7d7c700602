/**
 * Examples of `/v1/notifications`.
 */
import { randomUUID } from 'node:crypto'
import { insertApp } from '../gateway.ts'
import type { Examples, GatewayWorld } from './example.ts'
import { callOperation } from './example.ts'

const sending = { method: 'post', path: '/v1/notifications' }

function aNotification({ userIds: [userId = 1] }: GatewayWorld) {
  return { userId, category: 'receipt', data: { item_name: 'Lamp', date: 'May 1' }, channels: ['sms'] }
}

/** One that the router has decided. */
async function decided(world: GatewayWorld): Promise<string> {
  const notificationId = randomUUID()
  await callOperation(world.gateway, sending, { json: { ...aNotification(world), notificationId } }, world.app)
  await world.pipeline.untilRouted()
  return notificationId
}

/** An id that two apps used. */
async function shared(world: GatewayWorld): Promise<string> {
  const notificationId = randomUUID()
  const json = { ...aNotification(world), notificationId }
  for (const app of [world.app, await insertApp(world.database)]) {
    await callOperation(world.gateway, sending, { json }, app)
  }
  await world.pipeline.untilRouted()
  return notificationId
}

const nowhere = () => Promise.resolve({ params: { notificationId: randomUUID() } })

export const notificationExamples: Examples = {
  sendNotifications: {
    success: (world) => Promise.resolve({ json: { notifications: [aNotification(world), aNotification(world)] } }),
    refusals: {
      409: async (world) => {
        const request = { json: aNotification(world), headers: { 'idempotency-key': randomUUID() } }
        await callOperation(world.gateway, sending, request, world.app)
        // As while another request with it is at work.
        await world.database.query(
          `update idempotency_keys set answer = null, answer_status = null, leased_until = now() + interval '1 hour'
           where idempotency_key = $1`,
          [request.headers['idempotency-key']],
        )
        return request
      },
      422: async (world) => {
        const headers = { 'idempotency-key': randomUUID() }
        await callOperation(world.gateway, sending, { json: aNotification(world), headers }, world.app)
        return { json: { ...aNotification(world), locale: 'ko' }, headers }
      },
    },
    known: ({ userIds }) =>
      Promise.resolve({
        userId: userIds,
        category: ['receipt'],
        template: ['back-in-stock', null],
        locale: ['en', 'ko'],
      }),
  },
  listNotifications: {
    success: ({ userIds: [user = 1] }) => Promise.resolve({ query: { user: String(user) } }),
    known: ({ userIds }) => Promise.resolve({ user: userIds.map(String), limit: ['1', '100'] }),
  },
  getNotification: {
    success: async (world) => ({ params: { notificationId: await decided(world) } }),
    refusals: { 404: nowhere, 409: async (world) => ({ params: { notificationId: await shared(world) } }) },
    known: async (world) => ({ notificationId: [await decided(world)] }),
  },
  cancelNotification: {
    success: async (world) => ({ params: { notificationId: await decided(world) } }),
    refusals: { 404: nowhere, 409: async (world) => ({ params: { notificationId: await shared(world) } }) },
    known: async (world) => ({ notificationId: [await decided(world)], userId: world.userIds.map(String) }),
  },
}
