/**
 * `/v1/users/{userId}/devices`: where push notifications go. A token is on one device: registering it takes it from
 * whichever had it.
 */
import { z } from 'zod'
import type { DeviceRegistration } from '../../domain/device-plan.ts'
import type { Device } from '../../domain/profile.ts'
import { refusals } from '../../http/problem-answers.ts'
import { refuse } from '../../http/problem.ts'
import type { HttpServer } from '../../http/server.ts'
import { writeThrough, type WriteThroughPorts } from '../people/write-through.ts'
import { momentText, momentTextOrNull } from './field-schemas.ts'
import { unknownUser } from './user-routes.ts'
import { deviceParamsSchema, devicesSchema, putDeviceSchema, userParamsSchema } from './user-schemas.ts'

/** A device as operators of an app look at it. Times are Unix ms. */
export interface RegisteredDevice extends Omit<Device, 'token'> {
  registeredAtMs: number
  lastSeenAtMs: number
  /** Since when its token is dead; null while it is not. */
  invalidatedAtMs: number | null
}

export interface DevicePorts {
  /** @returns whose profile is another now. */
  registerDevice(registration: DeviceRegistration): Promise<'unknown_user' | { touched: readonly number[] }>
  /** @returns whether the person had such a device. */
  unregisterDevice(device: { deviceId: string; userId: number }): Promise<boolean>
  /** In the order in which they were registered; empty where there is nobody of this id. */
  listDevices(userId: number): Promise<RegisteredDevice[]>
  writeThrough: WriteThroughPorts
}

const tags = ['devices']
const config = { scope: 'users:write' } as const

export function deviceRoutes(server: HttpServer, ports: DevicePorts): void {
  putRoute(server, ports)
  listRoute(server, ports)
  deleteRoute(server, ports)
}

const registeredSchema = z.object({ deviceId: z.guid(), platform: z.enum(['ios', 'android']) })

function putRoute(server: HttpServer, ports: DevicePorts): void {
  server.put('/v1/users/:userId/devices/:deviceId', {
    config,
    schema: {
      operationId: 'putDevice',
      summary: 'Register a device, or say that it is still there',
      description:
        'Call it at every start of the app. It revives a device whose token was dead, takes the device from whoever ' +
        'had it, and the token from whichever device had it.',
      tags,
      params: deviceParamsSchema,
      body: putDeviceSchema,
      response: {
        200: registeredSchema.describe('Registered'),
        ...refusals('not_found', 'too_large', 'unsupported_media_type'),
      },
    },
    handler: async ({ params, body: { platform, token } }, reply) => {
      const deviceId = params.deviceId.toLowerCase()
      const outcome = await ports.registerDevice({ ...params, deviceId, platform, token, registeredAt: null })
      if (outcome === 'unknown_user') return refuse(reply, unknownUser)
      await writeThrough(outcome.touched, ports.writeThrough)
      return { deviceId, platform }
    },
  })
}

function listRoute(server: HttpServer, { listDevices }: DevicePorts): void {
  server.get('/v1/users/:userId/devices', {
    config,
    schema: {
      operationId: 'listDevices',
      summary: 'List a person’s devices, those with a dead token too',
      tags,
      params: userParamsSchema,
      response: { 200: devicesSchema.describe('The devices; none of somebody unknown'), ...refusals() },
    },
    handler: async ({ params: { userId } }) => {
      const devices = await listDevices(userId)
      return {
        devices: devices.map(({ deviceId, platform, registeredAtMs, lastSeenAtMs, invalidatedAtMs }) => ({
          deviceId,
          platform,
          registeredAt: momentText(registeredAtMs),
          lastSeenAt: momentText(lastSeenAtMs),
          invalidatedAt: momentTextOrNull(invalidatedAtMs),
        })),
      }
    },
  })
}

function deleteRoute(server: HttpServer, ports: DevicePorts): void {
  server.delete('/v1/users/:userId/devices/:deviceId', {
    config,
    schema: {
      operationId: 'deleteDevice',
      summary: 'Unregister a device',
      description: 'Call it when somebody signs out. Nobody unregisters another person’s device.',
      tags,
      params: deviceParamsSchema,
      response: {
        200: z.object({ unregistered: z.boolean().describe('Whether the person had such a device') }).describe('Done'),
        ...refusals(),
      },
    },
    handler: async ({ params }) => {
      const unregistered = await ports.unregisterDevice(params)
      // Also where there was none: an answer that was lost may have left the cache behind.
      await writeThrough([params.userId], ports.writeThrough)
      return { unregistered }
    },
  })
}
