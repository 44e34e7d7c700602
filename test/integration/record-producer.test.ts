import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../src/domain/dependency-unavailable.ts'
import { startRecordProducer } from '../../src/kafka/record-producer.ts'
import { numbered, openWorkbench, readAll } from '../support/kafka-workbench.ts'

describe('the producer on a real broker', { concurrency: true }, () => {
  test('fails only the call whose record is over the limit of the topic', async (t) => {
    const bench = await openWorkbench(t)
    const { producer, topic } = bench
    const tooLarge = { topic, key: 'large', value: Buffer.alloc(1_300_000), headers: {} }
    const sends = [
      producer.send(numbered(topic, 0, 100)),
      producer.send([tooLarge]),
      producer.send(numbered(topic, 100, 200)),
    ]
    const outcomes = await Promise.allSettled(sends)
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    await assert.rejects(sends[1] ?? Promise.resolve(), (error: unknown) => {
      assert.ok(!(error instanceof DependencyUnavailable), 'it is the record’s fault')
      return true
    })
    const stored = new Set((await readAll(bench, topic)).map(({ value }) => String(value)))
    assert.equal(stored.size, 200)
    for (const { value } of numbered(topic, 0, 200)) assert.ok(stored.has(String(value)))
  })

  test('keeps the order of each key under 50 senders', async (t) => {
    const bench = await openWorkbench(t)
    const { producer, topic } = bench
    await Promise.all(
      Array.from({ length: 50 }, async (_, sender) => {
        const key = `key-${sender % 10}`
        for (let round = 0; round < 20; round += 1) {
          const values = Array.from({ length: 5 }, (_each, index) => `${sender} ${round * 5 + index}`)
          await producer.send(values.map((value) => ({ topic, key, value: Buffer.from(value), headers: {} })))
        }
      }),
    )
    const bySender = Map.groupBy(
      (await readAll(bench, topic)).map(({ value }) => String(value).split(' ').map(Number)),
      ([sender]) => sender,
    )
    assert.equal(bySender.size, 50)
    for (const sent of bySender.values()) {
      assert.deepEqual(
        sent.map(([, number]) => number),
        Array.from({ length: 100 }, (_, number) => number),
      )
    }
  })

  test('takes a missing topic for an outage, and goes on with the others', async (t) => {
    const bench = await openWorkbench(t)
    const [record] = numbered(bench.topic, 0, 1)
    assert.ok(record !== undefined)
    const missing = bench.producer.send([{ ...record, topic: `${bench.topic}.missing` }])
    const present = bench.producer.send([record])
    await assert.rejects(missing, { name: 'DependencyUnavailable', code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    await present
    assert.equal((await readAll(bench, bench.topic)).length, 1)
  })

  test('does not start without a broker', async () => {
    const connection = { brokers: ['127.0.0.1:1'], clientId: 'fanfare-test', log: () => {} }
    await assert.rejects(startRecordProducer(connection), { name: 'DependencyUnavailable', dependency: 'kafka' })
  })
})
