/**
 * The infrastructure of a role with a crash around its steps and another wall clock: the same adapters, only wrapped.
 *
 * What kafkajs, the providers' SDKs, Postgres and Redis read of the time stays as it is: the timestamps of records, the
 * tokens that providers check, leases.
 */
import type { Consumer, EachBatchPayload } from 'kafkajs'
import { Kafka } from '../../../src/kafka/kafkajs.ts'
import type { RecordProducer } from '../../../src/kafka/record-producer.ts'
import type { HotPathPool, Queryable } from '../../../src/postgres/hot-path-pool.ts'
import type { Statement } from '../../../src/postgres/statement.ts'
import type { DeliveryInfrastructure, Infrastructure } from '../../../src/roles/infrastructure.ts'
import type { Around } from './crash.ts'

export interface Wrapping {
  around: Around
  /** By how much the process's clock is ahead. */
  clockOffsetMs: number
}

export function wrapInfrastructure(
  infrastructure: Infrastructure,
  { around, clockOffsetMs }: Wrapping,
): Infrastructure {
  const { producer, now } = infrastructure
  return { ...infrastructure, producer: wrapProducer(producer, around), now: () => now() + clockOffsetMs }
}

/** @param infrastructure made from a wrapped one. */
export function wrapDatabase(infrastructure: DeliveryInfrastructure, { around }: Wrapping): DeliveryInfrastructure {
  const { pool } = infrastructure
  const wrapped: HotPathPool = {
    ...wrapQueryable(pool, around),
    transaction: (work) => pool.transaction((connection) => work(wrapQueryable(connection, around))),
    close: () => pool.close(),
  }
  return { ...infrastructure, pool: wrapped }
}

function wrapQueryable(queryable: Queryable, around: Around): Queryable {
  return {
    query: <Row>(statement: Statement, values: readonly unknown[]) =>
      around(statement.name, () => queryable.query<Row>(statement, values)),
  }
}

function wrapProducer(producer: RecordProducer, around: Around): RecordProducer {
  return {
    // To send nothing is no step.
    send: (records) => (records.length === 0 ? producer.send(records) : around('send', () => producer.send(records))),
    close: () => producer.close(),
  }
}

/** Of every consumer that this process makes from now on: commits go through their batch and nowhere else. */
export function wrapCommits(around: Around): void {
  const { consumer: makeConsumer } = Kafka.prototype
  Kafka.prototype.consumer = function (this: typeof Kafka.prototype, config) {
    const consumer = makeConsumer.call(this, config)
    const run: Consumer['run'] = (settings) => {
      const eachBatch = settings?.eachBatch
      return eachBatch === undefined
        ? consumer.run(settings)
        : consumer.run({ ...settings, eachBatch: (payload) => eachBatch(withCommits(payload, around)) })
    }
    return { ...consumer, run }
  }
}

function withCommits(payload: EachBatchPayload, around: Around): EachBatchPayload {
  const { commitOffsetsIfNecessary: commit } = payload
  return { ...payload, commitOffsetsIfNecessary: (offsets) => around('commit', () => commit(offsets)) }
}
