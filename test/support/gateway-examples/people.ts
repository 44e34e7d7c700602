/**
 * Examples of people: users, devices, settings, import.
 */
import { randomUUID } from 'node:crypto'
import type { Example, Examples, ExampleRequest, GatewayWorld } from './example.ts'

const nobody = '8999999999999999'

const contact = { email: 'ada@example.com', phoneNumber: '+14155550001', locale: 'ko-KR', timeZone: 'Asia/Seoul' }

function aUser({ userIds: [userId = 1] }: GatewayWorld): { userId: string } {
  return { userId: String(userId) }
}

function aDevice() {
  return { platform: 'android', token: `token-${randomUUID()}` }
}

const known: Example['known'] = ({ userIds }) =>
  Promise.resolve({
    userId: userIds.map(String),
    token: ['token-1', 'token-2', '00fc13adff785122b4ad28809a342098'],
    email: ['ada@example.com', null],
    phoneNumber: ['+14155550001', null],
    locale: ['ko-KR', 'en', null],
    timeZone: ['Asia/Seoul', null],
    categories: [{}, { receipt: { push: false } }],
  })

const ofNobody = (rest: Omit<ExampleRequest, 'params'> = {}) => ({
  404: () => Promise.resolve({ params: { userId: nobody, deviceId: randomUUID() }, ...rest }),
})

export const peopleExamples: Examples = {
  putUser: {
    success: (world) => Promise.resolve({ params: aUser(world), json: contact }),
    // Erased between the write and the look at it.
    byChance: [404],
    known,
  },
  getUser: { success: (world) => Promise.resolve({ params: aUser(world) }), refusals: ofNobody(), known },
  // Of somebody else: the others are still needed.
  deleteUser: { success: () => Promise.resolve({ params: { userId: '77' } }) },
  importUsers: {
    success: ({ userIds: [userId = 1] }) =>
      Promise.resolve({
        raw: { contentType: 'application/x-ndjson', body: `${JSON.stringify({ userId, ...contact })}\nnonsense\n` },
      }),
    known: async (world) => ({ ...(await known(world)), userId: world.userIds }),
  },
  putDevice: {
    success: (world) => Promise.resolve({ params: { ...aUser(world), deviceId: randomUUID() }, json: aDevice() }),
    refusals: ofNobody({ json: aDevice() }),
    known,
  },
  deleteDevice: {
    success: (world) => Promise.resolve({ params: { ...aUser(world), deviceId: randomUUID() } }),
    known,
  },
  listDevices: { success: (world) => Promise.resolve({ params: aUser(world) }), known },
  getSettings: { success: (world) => Promise.resolve({ params: aUser(world) }), refusals: ofNobody(), known },
  getPreferenceLink: {
    success: (world) => Promise.resolve({ params: aUser(world) }),
    refusals: ofNobody(),
    // By how the gateway is configured, for all requests alike.
    byChance: [409],
    known,
  },
  putSettings: {
    success: (world) =>
      Promise.resolve({
        params: aUser(world),
        json: { channels: { sms: false }, categories: { receipt: { email: true } } },
      }),
    refusals: ofNobody({ json: { channels: {}, categories: {} } }),
    known,
  },
}
