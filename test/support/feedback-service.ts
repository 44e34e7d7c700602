/**
 * The feedback service on a real database, with its topics in memory.
 */
import { createHash, createHmac } from 'node:crypto'
import type { DeliveryStatus } from '../../src/domain/delivery-status.ts'
import type { ProviderFeedback } from '../../src/domain/provider-feedback.ts'
import type { ConsumedRecord } from '../../src/domain/record.ts'
import { topicNames } from '../../src/domain/topic-names.ts'
import { createAddressHygiene } from '../../src/postgres/address-hygiene.ts'
import { createDeliveryReports } from '../../src/postgres/delivery-reports.ts'
import type { HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import { writeOptOuts } from '../../src/postgres/opt-outs.ts'
import type { FeedbackPorts } from '../../src/services/feedback/ports.ts'

export const feedbackTopics = topicNames()

export const hashAddress = (channel: string, address: string): Uint8Array =>
  createHmac('sha256', 'key').update(`${channel}:${address}`).digest()

/** What the service told, the first of each status. */
export interface Told {
  statuses: Map<string, DeliveryStatus>
  deadLetters: string[]
  refreshed: Set<number>
}

export function nothingTold(): Told {
  return { statuses: new Map(), deadLetters: [], refreshed: new Set() }
}

/** Records whose values are places in the list of feedback; a place beyond it is poison. */
export function recordOf(place: number): ConsumedRecord {
  const at = { topic: feedbackTopics.feedback, partition: 0, offset: BigInt(place), timestampMs: 0 }
  return { ...at, key: null, value: Buffer.from(String(place)), headers: {} }
}

export function feedbackPorts(pool: HotPathPool, feedback: readonly ProviderFeedback[], told: Told): FeedbackPorts {
  return {
    reader: {
      decode: async (values) =>
        values.map((value) => {
          const each = feedback[Number(Buffer.from(value ?? []).toString())]
          return each === undefined ? { kind: 'poison', reason: 'not_avro' } : { kind: 'feedback', feedback: each }
        }),
    },
    rows: createDeliveryReports(pool),
    hygiene: createAddressHygiene(pool),
    writeOptOuts: (optOuts) => writeOptOuts(pool, optOuts),
    refreshProfiles: async (userIds) => {
      for (const userId of userIds) told.refreshed.add(userId)
    },
    publish: async (records) => {
      for (const { topic, value } of records) {
        if (topic === feedbackTopics.deliveryStatus) tell(Buffer.from(value ?? []), told)
        else told.deadLetters.push(topic)
      }
    },
    deadLetter: (topic, record) => ({ ...record, topic }),
    encodeStatus: (status) => Buffer.from(JSON.stringify(status)),
    topics: feedbackTopics,
    hashAddress,
    sha1: (input) => createHash('sha1').update(input).digest(),
    observe: () => {},
  }
}

function tell(value: Buffer, { statuses }: Told): void {
  const status = JSON.parse(value.toString()) as DeliveryStatus
  if (!statuses.has(status.statusId)) statuses.set(status.statusId, status)
}
