import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ProducerBatch } from 'kafkajs'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import type { OutgoingRecord } from '../../../src/domain/record.ts'
import { createRecordProducer } from '../../../src/kafka/record-producer.ts'

function aRecord(given: Partial<OutgoingRecord> = {}): OutgoingRecord {
  return { topic: 'topic', key: '42', value: Buffer.from('value'), headers: {}, ...given }
}

const named = (name: string, topic = 'topic') => aRecord({ topic, key: name, value: Buffer.from(name) })

/** A broker that keeps what it stored and answers as the test says, request by request. */
function aBroker(answer: (records: string[], request: number) => Promise<void> | void = () => {}) {
  const requests: string[][] = []
  const batches: ProducerBatch[] = []
  let underWay = 0
  let disconnected = 0
  const producer = createRecordProducer({
    sendBatch: async (batch) => {
      const records = (batch.topicMessages ?? []).flatMap(({ messages }) => messages.map(({ value }) => String(value)))
      requests.push(records)
      batches.push(batch)
      underWay += 1
      assert.equal(underWay, 1, 'two requests side by side')
      try {
        await answer(records, requests.length)
      } finally {
        underWay -= 1
      }
      return []
    },
    disconnect: async () => {
      disconnected += 1
    },
  })
  return { producer, requests, batches, disconnects: () => disconnected }
}

/** Answers the first request when told. */
function held() {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  return { answer: (_: string[], request: number) => (request === 1 ? promise : undefined), resolve, reject }
}

const refusal = Object.assign(new Error('refused'), { name: 'KafkaJSProtocolError', type: 'MESSAGE_TOO_LARGE' })
const unreachable = Object.assign(new Error('away'), { name: 'KafkaJSConnectionError' })
const topicMissing = Object.assign(new Error('topic'), {
  name: 'KafkaJSProtocolError',
  type: 'UNKNOWN_TOPIC_OR_PARTITION',
})
const outcomesOf = async (sends: Promise<void>[]) => (await Promise.allSettled(sends)).map(({ status }) => status)

describe('the producer', () => {
  test('waits for every replica, and sends nothing for nothing', async () => {
    const { producer, batches } = aBroker()
    await producer.send([])
    assert.equal(batches.length, 0)
    await producer.send([named('a')])
    assert.equal(batches[0]?.acks, -1)
  })

  test('sends together what comes in one turn, and what comes while a request is under way', async () => {
    const first = held()
    const { producer, requests } = aBroker(first.answer)
    const sends = [producer.send([named('a')]), producer.send([named('b')])]
    await Promise.resolve().then(() => {})
    sends.push(producer.send([named('c')]), producer.send([named('d'), named('e')]))
    first.resolve()
    await Promise.all(sends)
    assert.deepEqual(requests, [
      ['a', 'b'],
      ['c', 'd', 'e'],
    ])
  })

  test('never forgets a call, whenever it comes after the last one settled', async () => {
    for (let turns = 0; turns < 12; turns += 1) {
      const { producer, requests } = aBroker()
      await producer.send([named('first')])
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
      await producer.send([named('second')])
      assert.deepEqual(requests, [['first'], ['second']], `${turns} turns later`)
    }
  })

  test('keeps the order of a key and topic over calls, requests and topics', async () => {
    const { producer, requests } = aBroker()
    const sends = Array.from({ length: 30 }, async (_, index) => {
      for (let turn = 0; turn < index % 5; turn += 1) await Promise.resolve()
      return producer.send([named(`${index % 5}-${index}`)])
    })
    await Promise.all(sends)
    for (const key of ['0', '1', '2', '3', '4']) {
      const numbers = requests
        .flat()
        .filter((name) => name.startsWith(`${key}-`))
        .map((name) => Number(name.slice(2)))
      assert.deepEqual(
        numbers,
        numbers.toSorted((one, other) => one - other),
      )
      assert.equal(numbers.length, 6)
    }
  })

  test('puts at most 512 KiB of a topic into a request, keys, values and headers counted', async () => {
    const { producer, batches } = aBroker()
    const heavy = (topic: string) =>
      aRecord({ topic, key: 'k'.repeat(50_000), value: Buffer.alloc(50_000), headers: { h: Buffer.alloc(50_000) } })
    await producer.send(['a', 'b'].flatMap((topic) => Array.from({ length: 10 }, () => heavy(topic))))
    const counts = batches.flatMap(({ topicMessages = [] }) => topicMessages.map(({ messages }) => messages.length))
    assert.ok(
      counts.every((count) => count * 150_000 <= 512 * 1024),
      counts.join(),
    )
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      20,
    )
    assert.ok(batches.length <= 8, `${batches.length} requests`)
  })

  test('sends a record over the limit alone in its topic and lets the broker judge it', async () => {
    const { producer, batches } = aBroker()
    await producer.send([named('a'), aRecord({ value: Buffer.alloc(600 * 1024) }), named('b')])
    const sizes = batches.flatMap(({ topicMessages = [] }) => topicMessages.map(({ messages }) => messages.length))
    assert.deepEqual(sizes, [1, 1, 1])
  })

  test('fails only the call whose record is refused', async () => {
    const first = held()
    const { producer, requests } = aBroker((records, request) => {
      if (records.includes('bad')) throw refusal
      return first.answer(records, request)
    })
    const sends = [producer.send([named('now')])]
    await Promise.resolve().then(() => {})
    for (const name of ['a', 'bad', 'c', 'd']) sends.push(producer.send([named(name)]))
    first.resolve()
    assert.deepEqual(await outcomesOf(sends), ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    await assert.rejects(sends[2] ?? Promise.resolve(), refusal)
    assert.deepEqual(requests.slice(1), [['a', 'bad', 'c', 'd'], ['a', 'bad'], ['a'], ['bad'], ['c', 'd']])
  })

  test('tries the other records of a call of which one is refused', async () => {
    const { producer, requests } = aBroker((records) => {
      if (records.includes('bad')) throw refusal
    })
    const filler = aRecord({ value: Buffer.alloc(500 * 1024, 'x') })
    await assert.rejects(producer.send([filler, named('bad'), filler, named('after')]), refusal)
    assert.deepEqual(requests.at(-1)?.at(-1), 'after')
  })

  test('takes a broker that is away for everybody’s trouble, and asks it once', async () => {
    const first = held()
    const { producer, requests } = aBroker((_, request) =>
      request === 1 ? first.answer(_, 1) : Promise.reject(unreachable),
    )
    const sends = [producer.send([named('now')])]
    await Promise.resolve().then(() => {})
    sends.push(...['a', 'b', 'c'].map((name) => producer.send([named(name)])))
    first.resolve()
    assert.deepEqual(await outcomesOf(sends), ['fulfilled', 'rejected', 'rejected', 'rejected'])
    await assert.rejects(sends[1] ?? Promise.resolve(), (error: unknown) => {
      assert.ok(error instanceof DependencyUnavailable)
      assert.deepEqual([error.dependency, error.code, error.cause], ['kafka', 'KafkaJSConnectionError', unreachable])
      return true
    })
    assert.equal(requests.length, 2)
  })

  test('does not ask a broker that is away for the rest of a call', async () => {
    const { producer, requests } = aBroker(() => Promise.reject(topicMissing))
    const filler = aRecord({ value: Buffer.alloc(400 * 1024) })
    await assert.rejects(producer.send([filler, filler, filler]), { name: 'DependencyUnavailable' })
    assert.equal(requests.length, 1)
  })

  test('leaves no timer behind that would hold the process', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const { producer } = aBroker((records) => (records.includes('bad') ? Promise.reject(refusal) : undefined))
    await outcomesOf([producer.send([named('a')]), producer.send([named('bad')])])
    assert.equal(timers(), before)
  })

  test('takes a topic that is missing for the trouble of those who write to it', async () => {
    const first = held()
    const { producer } = aBroker((records, request) => {
      if (records.includes('lost')) throw topicMissing
      return first.answer(records, request)
    })
    const sends = [producer.send([named('now')])]
    await Promise.resolve().then(() => {})
    sends.push(producer.send([named('a')]), producer.send([named('lost', 'missing')]), producer.send([named('b')]))
    first.resolve()
    assert.deepEqual(await outcomesOf(sends), ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    await assert.rejects(sends[2] ?? Promise.resolve(), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })

  test('does not wait longer than a minute for an answer, nor sends then what waited', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const first = held()
    const { producer, requests } = aBroker(first.answer)
    const hangs = producer.send([named('hangs')])
    await Promise.resolve().then(() => {})
    const waits = producer.send([named('waits')])
    t.mock.timers.tick(60_000)
    await assert.rejects(hangs, { code: 'SEND_TIMEOUT', dependency: 'kafka' })
    await assert.rejects(waits, { code: 'SEND_TIMEOUT' })
    const later = producer.send([named('later')])
    first.resolve()
    await later
    assert.deepEqual(requests, [['hangs'], ['later']])
  })

  test('closes after what is queued, and refuses what comes later as an outage', async () => {
    const first = held()
    const { producer, requests, disconnects } = aBroker(first.answer)
    const sends = [producer.send([named('a')])]
    await Promise.resolve().then(() => {})
    sends.push(producer.send([named('b')]))
    const closing = producer.close()
    await assert.rejects(producer.send([named('late')]), { name: 'DependencyUnavailable', code: 'PRODUCER_CLOSED' })
    assert.equal(disconnects(), 0)
    first.resolve()
    await closing
    assert.deepEqual(await outcomesOf(sends), ['fulfilled', 'fulfilled'])
    assert.deepEqual([requests, disconnects()], [[['a'], ['b']], 1])
  })

  test('closes in bounded time over a broker that hangs', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { producer, disconnects } = aBroker(() => new Promise(() => {}))
    const sends = [producer.send([named('hangs')])]
    await Promise.resolve().then(() => {})
    const waits = producer.send([named('waits')])
    const closing = producer.close()
    t.mock.timers.tick(5_000)
    await closing
    assert.equal(disconnects(), 1)
    await assert.rejects(waits, { code: 'PRODUCER_CLOSED' })
    t.mock.timers.tick(60_000)
    assert.deepEqual(await outcomesOf(sends), ['rejected'])
  })

  test('hands bytes over as bytes and a header without a value as an empty one', async () => {
    const { producer, batches } = aBroker()
    const bytes = Uint8Array.from([0, 255, 128])
    await producer.send([
      aRecord({
        key: bytes,
        value: bytes.subarray(1),
        headers: { one: bytes, many: [bytes, 'text'], none: undefined },
      }),
      aRecord({ key: null, value: null }),
    ])
    const [first, second] = batches[0]?.topicMessages?.[0]?.messages ?? []
    assert.deepEqual(first, {
      key: Buffer.from(bytes),
      value: Buffer.from([255, 128]),
      headers: { one: Buffer.from(bytes), many: [Buffer.from(bytes), 'text'], none: '' },
    })
    assert.deepEqual([second?.key, second?.value], [null, null])
  })
})
