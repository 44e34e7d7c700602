/**
 * Providers report in any order, late, and more than once; chunks are cut anywhere; the sender's own settlement comes
 * before, between or after. What it all comes to must not depend on it.
 */
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { FeedbackKind, ProviderFeedback } from '../../src/domain/provider-feedback.ts'
import type { ProviderReason } from '../../src/domain/reason.ts'
import { deliveryStatus } from '../../src/domain/status-record.ts'
import { createDeliveries } from '../../src/postgres/deliveries.ts'
import { createDeliveryReports } from '../../src/postgres/delivery-reports.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { createFeedback } from '../../src/services/feedback/feedback.ts'
import { settlement } from '../support/builders/claim.ts'
import { insertDelivery } from '../support/builders/delivery-row.ts'
import { aFeedback } from '../support/builders/records.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { feedbackPorts, nothingTold, recordOf, type Told } from '../support/feedback-service.ts'

let database: TestDatabase
let pool: HotPathPool

before(async () => {
  database = await createTestDatabase()
  pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 2 })
})
after(async () => {
  await pool.close()
  await database.drop()
})

const sha1 = (input: Uint8Array) => createHash('sha1').update(input).digest()
const firstMs = Date.UTC(2026, 8, 21, 8)
const kinds = ['delivered', 'bounced', 'failed', 'opened', 'clicked', 'unsubscribed', 'complained'] as const
const reasons: (ProviderReason | null)[] = ['invalid_address', 'refused', null]

interface Report {
  kind: FeedbackKind
  reason: ProviderReason | null
  laterMs: number
  automatic: boolean
}
const anyReport: fc.Arbitrary<Report> = fc.record({
  kind: fc.constantFrom(...kinds),
  reason: fc.constantFrom(...reasons),
  laterMs: fc.constantFrom(0, 1, 60_000),
  automatic: fc.boolean(),
})
/** Two ways in which the same may come: places of reports, -1 for the settlement, and where the chunks are cut. */
const way = (count: number) => {
  const all = [-1, ...Array.from({ length: count }, (_, place) => place)]
  return fc.record({
    order: fc.shuffledSubarray([...all, ...all], { minLength: 2 * all.length }),
    chunkSize: fc.integer({ min: 1, max: 4 }),
  })
}
const story = fc
  .array(anyReport, { minLength: 1, maxLength: 5 })
  .chain((reports) => fc.tuple(fc.constant(reports), way(reports.length), way(reports.length)))

test('what is reported comes to the same row and the same statuses in whatever order, and however often', async () => {
  await fc.assert(
    fc.asyncProperty(story, async ([reports, one, other]) => {
      assert.deepEqual(await played(reports, one), await played(reports, other))
    }),
    { numRuns: 40 },
  )
})

async function played(reports: readonly Report[], { order, chunkSize }: { order: number[]; chunkSize: number }) {
  const owner = { leaseOwner: randomUUID(), leaseEndsInMs: 60_000 }
  const deliveryId = await insertDelivery(database, { state: 'claimed', hop: 1, ...owner })
  const feedback = reports.map((report, place) => feedbackOf(deliveryId, report, place))
  const told = nothingTold()
  const service = createFeedback(feedbackPorts(pool, feedback, told))
  for (let at = 0; at < order.length;) {
    const chunk = order.slice(at, at + chunkSize)
    const cut = chunk.indexOf(-1)
    // A chunk holds no settlement: the sender settles beside it.
    const places = cut === -1 ? chunk : chunk.slice(0, cut)
    if (places.length > 0) await service.handle(places.map(recordOf))
    if (cut !== -1) await settle(deliveryId, told)
    at += places.length + (cut === -1 ? 0 : 1)
  }
  return { row: await rowOf(deliveryId), statuses: namesOf(told, deliveryId) }
}

function feedbackOf(deliveryId: string, { laterMs, ...report }: Report, place: number): ProviderFeedback {
  const occurredAt = firstMs + laterMs
  const ids = { feedbackId: `event-${place}`, deliveryId, providerMessageId: 'SM1', provider: 'twilio' } as const
  return aFeedback({ ...ids, ...report, channel: 'sms', permanent: null, occurredAt, receivedAt: occurredAt })
}

/** As the sender does: settled, and told by what the row says then. */
async function settle(deliveryId: string, { statuses }: Told): Promise<void> {
  const [row] = await createDeliveries(pool).settle([settlement({ deliveryId })])
  const stored = (await createDeliveryReports(pool).find([deliveryId])).get(deliveryId)
  assert.ok(row !== undefined && stored !== undefined)
  const step = { status: 'sent', reason: null, hop: row.hop, attempt: row.attempt, segments: null } as const
  const status = deliveryStatus(stored, { ...step, provider: row.provider, occurredAt: 0 }, sha1)
  if (!statuses.has(status.statusId)) statuses.set(status.statusId, status)
}

async function rowOf(deliveryId: string) {
  const [row] = await database.query(
    `select state, reason, attempt, hop, lease_owner, provider, provider_message_id, delivered_at, bounced_at, opened_at,
       clicked_at, unsubscribed_at
     from deliveries where delivery_id = $1`,
    [deliveryId],
  )
  return row
}

/** What each distinct status says; the ids themselves differ with the delivery. */
function namesOf({ statuses }: Told, deliveryId: string): string[] {
  const names = [...statuses.values()].map((status) => {
    assert.equal(status.deliveryId, deliveryId)
    return [status.status, status.reason, status.automatic, status.attempt].join(' ')
  })
  return names.toSorted()
}
