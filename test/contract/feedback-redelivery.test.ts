/**
 * The feedback service on a real database, stopped at each of its steps and given its records again: what it comes to
 * must not differ from a run that nothing stopped.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, describe, test } from 'node:test'
import type { ProviderFeedback } from '../../src/domain/provider-feedback.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createFeedback } from '../../src/services/feedback/feedback.ts'
import type { FeedbackPorts } from '../../src/services/feedback/ports.ts'
import { insertDelivery } from '../support/builders/delivery-row.ts'
import { aFeedback } from '../support/builders/records.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  feedbackPorts,
  feedbackTopics,
  hashAddress,
  nothingTold,
  recordOf,
  type Told,
} from '../support/feedback-service.ts'

const stoppedHash = hashAddress('sms', 'who said stop')
const atMs = Date.UTC(2026, 8, 21, 8)
const token = 'a-dead-token'

/** The rows that the chunk is about, by what happens to them. */
const states = {
  early: 'claimed',
  arrived: 'sent',
  bounced: 'sent',
  left: 'sent',
  gone: 'sent',
  held: 'unknown',
} as const
type Label = keyof typeof states

interface Scene {
  database: TestDatabase
  pool: HotPathPool
  idOf: Record<Label, string>
  labelOf(text: string): string
}

async function openScene(): Promise<Scene> {
  const database = await createTestDatabase()
  const pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 2 })
  await database.query('insert into users (user_id) values (7)')
  await database.query(
    `insert into devices (device_id, user_id, platform, token, registered_at)
     values ($1, 7, 'ios', '${token}', to_timestamp(0))`,
    [randomUUID()],
  )
  const ids: [string, string][] = []
  for (const [label, state] of Object.entries(states)) {
    const hop = 1
    ids.push([label, await insertDelivery(database, { state, hop, createdAtMs: Date.now() - ids.length * 1_000 })])
  }
  const idOf = Object.fromEntries(ids) as Record<Label, string>
  await database.query(`update deliveries set channel = 'ios', address = $1 where delivery_id = $2`, [token, idOf.gone])
  await database.query(`update deliveries set channel = 'email' where delivery_id = $1`, [idOf.left])
  // Names in place of ids, so that two scenes can be compared.
  const labelOf = (text: string) => ids.reduce((all, [label, id]) => all.replaceAll(id, label), text)
  return { database, pool, idOf, labelOf }
}

const orphanId = '01996b1e-0c7b-8000-8000-0000000000ff'

function chunkOf({ idOf }: Scene): ProviderFeedback[] {
  const about = (label: Label, choices: Partial<ProviderFeedback>) =>
    aFeedback({
      feedbackId: `${label} ${choices.kind}`,
      deliveryId: idOf[label],
      provider: 'twilio',
      channel: 'sms',
      occurredAt: atMs,
      receivedAt: atMs,
      ...choices,
    })
  const inbound = { deliveryId: null, addressHash: stoppedHash } as const
  return [
    about('early', { kind: 'delivered' }),
    about('arrived', { kind: 'opened' }),
    about('arrived', { kind: 'delivered', occurredAt: atMs - 5 }),
    about('bounced', { kind: 'bounced', permanent: true, reason: 'invalid_address' }),
    about('held', { kind: 'failed', permanent: false, reason: 'recipient_unreachable' }),
    about('left', { kind: 'unsubscribed' }),
    about('gone', { kind: 'invalid_address', invalidSince: atMs }),
    about('early', { kind: 'delivered', feedbackId: 'orphan', deliveryId: orphanId }),
    about('early', { kind: 'stopped', feedbackId: 'stop', ...inbound }),
    about('early', { kind: 'restarted', feedbackId: 'start', ...inbound, occurredAt: atMs + 1 }),
    about('early', { kind: 'stopped', feedbackId: 'stop again', ...inbound, occurredAt: atMs + 2 }),
  ]
}

/** What a chunk comes to, in order. */
const steps = [
  'find',
  'publish',
  'apply',
  'mark hours',
  'suppress',
  'lift',
  'note soft bounces',
  'invalidate',
  'opt out',
  'refresh',
] as const

/** Where the run ends; null: nowhere. */
type Stop = { step: (typeof steps)[number]; when: 'before' | 'after' } | null

/** The same ports, with an end before or after one of the steps. */
function stopping(ports: FeedbackPorts, stop: Stop, taken: string[]): FeedbackPorts {
  const step =
    <Given extends unknown[], Result>(name: (typeof steps)[number], work: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      taken.push(name)
      const isHere = stop?.step === name
      if (isHere && stop.when === 'before') throw new Error('stopped')
      const result = await work(...given)
      if (isHere) throw new Error('stopped')
      return result
    }
  const { rows, hygiene } = ports
  return {
    ...ports,
    rows: {
      find: step('find', rows.find),
      apply: step('apply', rows.apply),
      markHours: step('mark hours', rows.markHours),
    },
    hygiene: {
      suppress: step('suppress', hygiene.suppress),
      liftStops: step('lift', hygiene.liftStops),
      recordSoftBounces: step('note soft bounces', hygiene.recordSoftBounces),
      invalidateDevices: step('invalidate', hygiene.invalidateDevices),
    },
    writeOptOuts: step('opt out', ports.writeOptOuts),
    refreshProfiles: step('refresh', ports.refreshProfiles),
    publish: step('publish', ports.publish),
  }
}

/** What is left of it all: distinct statuses, rows, suppressions, devices, settings. */
async function outcomeOf({ database, labelOf }: Scene, { statuses, deadLetters, refreshed }: Told) {
  const rows = async (text: string) =>
    (await database.query<{ line: string }>(text)).map(({ line }) => labelOf(line)).toSorted()
  return {
    statuses: [...statuses.values()]
      .map(({ deliveryId, status, reason, provider, attempt, occurredAt }) =>
        labelOf([deliveryId, status, reason, provider, attempt, occurredAt].join(' ')),
      )
      .toSorted(),
    deadLetters: new Set(deadLetters),
    refreshed,
    deliveries: await rows(
      `select concat_ws(' ', delivery_id, state, reason, attempt, lease_owner, provider_message_id, delivered_at, bounced_at,
         opened_at, unsubscribed_at) as line from deliveries`,
    ),
    suppressions: await rows(
      `select concat_ws(' ', channel, encode(address_hash, 'hex'), scope, reason, created_at) as line from suppressions`,
    ),
    softBounces: await rows(
      `select concat_ws(' ', encode(address_hash, 'hex'), feedback_id) as line from soft_bounces`,
    ),
    devices: await rows(`select concat_ws(' ', token, invalidated_at is not null) as line from devices`),
    settings: await rows(`select concat_ws(' ', user_id, channel, opt_in) as line from notification_settings`),
    hours: (await rows(`select hour::text as line from funnel_hours_to_count`)).length > 0,
  }
}

async function play(stop: Stop) {
  const scene = await openScene()
  try {
    const feedback = chunkOf(scene)
    const told = nothingTold()
    const ports = feedbackPorts(scene.pool, feedback, told)
    const taken: string[] = []
    const records = [...feedback, undefined].map((_, index) => recordOf(index))
    const first = createFeedback(stopping(ports, stop, taken)).handle(records)
    if (stop === null) await first
    else {
      await assert.rejects(first, { message: 'stopped' })
      // The next owner of the partition.
      await createFeedback(ports).handle(records)
    }
    return { outcome: await outcomeOf(scene, told), taken }
  } finally {
    await scene.pool.close()
    await scene.database.drop()
  }
}

describe('feedback', () => {
  let whole: Awaited<ReturnType<typeof outcomeOf>>
  let taken: string[]

  before(async () => {
    const played = await play(null)
    whole = played.outcome
    taken = played.taken
  })

  test('tells first and writes then', () => assert.deepEqual(taken, steps))

  test('tells what was reported, moves the rows, and keeps what it cost the addresses', () => {
    assert.deepEqual(whole.deadLetters, new Set([feedbackTopics.feedbackDeadLetter]))
    const told = whole.statuses.map((line) => line.split(' ').slice(0, 3).join(' ').trim())
    assert.deepEqual(told, [
      `${orphanId} delivered orphan`,
      'arrived delivered',
      'arrived opened',
      'bounced bounced invalid_address',
      'early delivered',
      'early sent',
      'held failed recipient_unreachable',
      'held sent',
      'left unsubscribed',
    ])
    const stateOf = (label: Label) => whole.deliveries.find((line) => line.startsWith(label))?.split(' ')[1]
    assert.deepEqual(
      Object.keys(states).map((label) => stateOf(label as Label)),
      ['delivered', 'opened', 'bounced', 'unsubscribed', 'sent', 'bounced'],
    )
    assert.deepEqual(new Set(whole.suppressions.map((line) => line.split(' ')[3])), new Set(['hard_bounce', 'stop']))
    assert.deepEqual(whole.devices, [`${token} t`])
    assert.deepEqual(whole.settings, ['7 email f'])
    assert.deepEqual([...whole.refreshed], [7])
    assert.equal(whole.softBounces.length, 1)
    assert.equal(whole.hours, true)
  })

  for (const step of steps) {
    for (const when of ['before', 'after'] as const) {
      test(`stopped ${when} “${step}” and given again comes to the same`, async () => {
        assert.deepEqual((await play({ step, when })).outcome, whole)
      })
    }
  }
})
