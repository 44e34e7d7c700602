/**
 * A world in which everything that is counted happens: people on every channel, categories of both lanes, caps, opt-outs,
 * dead devices, a number whose calls fail; and waves of events that meet all of it.
 */
import { randomUUID } from 'node:crypto'
import type { NotificationRequested } from '../../src/domain/notification.ts'
import { apnsTokenFor } from '../../src/local/simulator/apns.ts'
import { anEvent, insertCatalogue, insertPerson, phoneNumberOf } from './builders/catalogue.ts'
import { setChannel } from './builders/people.ts'
import type { Pipeline } from './pipeline.ts'

export interface MixedLoad {
  /** Publishes one event for every person, and some for those with peculiarities. @returns how many records. */
  wave(): Promise<number>
}

const people = 60
const optedOut = people + 1
const unreachableByPhone = people + 2
const deadDevice = people + 3
const nobody = 999_999
/** After what a busy machine takes to route it; it comes back while a test still looks. */
const soonMs = 8_000

/** Arranges the world; call it once for a pipeline, before its first wave. */
export async function arrangeMixedLoad(pipeline: Pipeline): Promise<MixedLoad> {
  const { database, simulator } = pipeline
  await insertCatalogue(database)
  await database.query(
    `insert into categories (name, lane, channels, time_to_live_seconds, template_id, caps, over_cap_policy) values
       ('news', 'bulk', '{push,email}', 7200, 'back-in-stock', '[]', 'defer'),
       ('capped', 'bulk', '{email}', 7200, 'back-in-stock', '[{"limit": 1, "windowSeconds": 3600}]', 'defer'),
       ('droppable', 'bulk', '{email}', 7200, 'back-in-stock', '[{"limit": 1, "windowSeconds": 3600}]', 'drop')`,
  )
  for (let userId = 1; userId <= people; userId += 1) {
    const iosTokens = userId % 3 === 0 ? [userId.toString(16).padStart(64, 'a')] : []
    const androidTokens = userId % 3 === 1 ? [`android-${userId}`] : []
    await insertPerson(database, { userId, iosTokens, androidTokens })
  }
  await insertPerson(database, { userId: optedOut })
  await setChannel(database, { userId: optedOut, channel: 'sms', optIn: false })
  await insertPerson(database, { userId: unreachableByPhone })
  await insertPerson(database, { userId: deadDevice, iosTokens: [apnsTokenFor('Unregistered')] })
  const match = { address: phoneNumberOf(unreachableByPhone) }
  simulator.faults.add({ provider: 'twilio', match, fault: { kind: 'status', status: 503 } })
  for (const provider of ['apns', 'fcm', 'twilio', 'sendgrid'] as const) simulator.faults.setBaseLatency(provider, 20)
  return { wave: () => publishWave(pipeline) }
}

async function publishWave(pipeline: Pipeline): Promise<number> {
  const everybody = Array.from({ length: people }, (_, index) => anEvent({ userId: index + 1 }))
  const transactional: NotificationRequested[] = [
    ...everybody,
    ...everybody.slice(0, 2),
    anEvent({ userId: optedOut, channels: ['sms'] }),
    anEvent({ userId: unreachableByPhone, channels: ['sms'] }),
    anEvent({ userId: deadDevice, channels: ['push'] }),
    anEvent({ userId: nobody }),
    anEvent({ userId: 1, category: 'unheard-of' }),
    anEvent({ userId: 2, channels: ['email'], sendAt: Date.now() + soonMs }),
    anEvent({ userId: 3, category: 'news' }),
  ]
  const bulk = [
    ...everybody.map(({ userId }) => anEvent({ userId, category: 'news' })),
    ...[1, 2].map((userId) => anEvent({ userId, category: 'capped' })),
    ...[1, 2].map((userId) => anEvent({ userId, category: 'droppable' })),
  ]
  const records = [
    ...transactional.map((event) => pipeline.requestRecord(event)),
    ...bulk.map((event) => pipeline.requestRecord(event, 'bulk')),
    { ...pipeline.requestRecord(anEvent({ userId: 4, channels: ['email'] })), key: '5' },
    { ...pipeline.requestRecord(anEvent()), value: Buffer.from(`poison ${randomUUID()}`) },
  ]
  await pipeline.publish(records)
  return records.length
}
