import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { DependencyUnavailable } from '../../src/domain/dependency-unavailable.ts'
import { lanes } from '../../src/domain/channel.ts'
import { retryRungs, topicNames } from '../../src/domain/topic-names.ts'
import { createKafka } from '../../src/kafka/connection.ts'
import { Kafka, logLevel } from '../../src/kafka/kafkajs.ts'
import { applyTopics, checkTopics } from '../../src/kafka/topic-administration.ts'
import { readTopicFiles, type TopicDefinition } from '../../src/kafka/topic-files.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

const dayMs = 24 * 3600 * 1000
const names = topicNames()

describe('the files of topics/', () => {
  const files = readTopicFiles()
  const valuesOf = (key: string, topics: readonly string[]) =>
    new Set(files.filter(({ name }) => topics.includes(name)).map(({ config }) => config[key]))

  test('are one for each topic of the program', () => {
    assert.deepEqual(files.map(({ name }) => name).toSorted(), names.all().toSorted())
  })

  test('keep three copies of which two must be in sync', () => {
    for (const { name, replicas, config } of files) {
      assert.deepEqual([replicas, config['min.insync.replicas']], [3, '2'], name)
    }
  })

  test('have 12 partitions, and 3 where little comes: retries and dead letters', () => {
    const retries = lanes.flatMap((lane) => retryRungs.map((rung) => names.retry(lane, rung.name)))
    for (const { name, partitions } of files) {
      assert.equal(partitions, name.endsWith('.dlq') || retries.includes(name) ? 3 : 12, name)
    }
  })

  test('take on the next hop whatever was taken before it', () => {
    const entrances = [...lanes.map(names.requested), names.usersChanged]
    assert.deepEqual(valuesOf('max.message.bytes', entrances), new Set(['327680']))
    const others = names.all().filter((name) => !entrances.includes(name))
    assert.deepEqual(valuesOf('max.message.bytes', others), new Set(['1048588']))
  })

  test('keep records as long as the design says', () => {
    for (const { name, config } of files) {
      const days = name.endsWith('.dlq') || name === names.deliveryStatus ? 14 : name === names.feedback ? 3 : 7
      const expected = name === names.usersChanged ? undefined : String(days * dayMs)
      assert.equal(config['retention.ms'], expected, name)
    }
    assert.deepEqual(valuesOf('cleanup.policy', [names.usersChanged]), new Set(['compact']))
  })

  test('are read with the prefix and the replication of the cluster', () => {
    const [first] = readTopicFiles({ prefix: 'one.', replicas: 1 })
    assert.deepEqual(
      [first?.name, first?.replicas, first?.config['min.insync.replicas']],
      ['one.notifications.android.bulk', 1, '1'],
    )
  })
})

describe('applying topics', () => {
  const prefix = `test-${randomBytes(4).toString('hex')}.`
  const kafka = createKafka({ brokers: readStackEnvironment().brokers, clientId: 'topics-test', log: () => {} })
  const admin = kafka.admin()
  before(() => admin.connect())
  after(async () => {
    // Deleting a topic that does not exist is retried for seconds.
    await admin.deleteTopics({ topics: (await admin.listTopics()).filter((name) => name.startsWith(prefix)) })
    await admin.disconnect()
  })

  function aTopic(name: string, given: Partial<TopicDefinition> = {}): TopicDefinition {
    const config = { 'retention.ms': '86400000', 'min.insync.replicas': '1' }
    return { name: `${prefix}${name}`, partitions: 2, replicas: 1, config, ...given }
  }
  const nothing = { repaired: [], remaining: [], refused: [] }

  test('of all files makes a cluster that has them, and once more changes nothing', async () => {
    const wanted = readTopicFiles({ prefix, replicas: 1 })
    const missing = wanted.map(({ name }) => ({ kind: 'missing', topic: name }))
    assert.deepEqual(await checkTopics(kafka, wanted), missing)
    assert.deepEqual(await applyTopics(kafka, wanted), { ...nothing, repaired: missing })
    assert.deepEqual(await checkTopics(kafka, wanted), [])
    assert.deepEqual(await applyTopics(kafka, wanted), nothing)
  })

  test('grows partitions and keeps the records in them', async () => {
    const small = aTopic('growing')
    await applyTopics(kafka, [small])
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: small.name, messages: [{ key: 'k', value: 'v' }] })
    await producer.disconnect()
    const grown = { ...small, partitions: 5 }
    const drift = { kind: 'partitions', topic: small.name, expected: 5, actual: 2 }
    assert.deepEqual(await applyTopics(kafka, [grown]), { ...nothing, repaired: [drift] })
    assert.deepEqual(await checkTopics(kafka, [grown]), [])
    const offsets = await admin.fetchTopicOffsets(small.name)
    assert.equal(offsets.length, 5)
    assert.equal(
      offsets.reduce((sum, { high }) => sum + Number(high), 0),
      1,
    )
  })

  test('reports more partitions or other replicas than declared, and leaves them', async () => {
    const topic = aTopic('wide')
    await applyTopics(kafka, [topic])
    const wanted = { ...topic, partitions: 1, replicas: 3 }
    const drifts = [
      { kind: 'partitions', topic: topic.name, expected: 1, actual: 2 },
      { kind: 'replicas', topic: topic.name, expected: 3, actual: 1 },
    ]
    assert.deepEqual(await checkTopics(kafka, [wanted]), drifts)
    assert.deepEqual(await applyTopics(kafka, [wanted]), { ...nothing, remaining: drifts })
    assert.deepEqual(await checkTopics(kafka, [topic]), [])
  })

  test('puts the configuration back to what is declared, keys included that nobody declared', async () => {
    const topic = aTopic('tuned')
    await applyTopics(kafka, [topic])
    const tuned = {
      name: topic.name,
      type: 2,
      configEntries: [
        { name: 'retention.ms', value: '5000' },
        { name: 'segment.ms', value: '60000' },
      ],
    }
    await admin.alterConfigs({ validateOnly: false, resources: [tuned] })
    const drifts = [
      { kind: 'config', topic: topic.name, key: 'retention.ms', expected: '86400000', actual: '5000' },
      { kind: 'config', topic: topic.name, key: 'min.insync.replicas', expected: '1', actual: undefined },
      { kind: 'config', topic: topic.name, key: 'segment.ms', expected: undefined, actual: '60000' },
    ]
    assert.deepEqual(await checkTopics(kafka, [topic]), drifts)
    assert.deepEqual(await applyTopics(kafka, [topic]), { ...nothing, repaired: drifts })
    assert.deepEqual(await checkTopics(kafka, [topic]), [])
  })

  test('names what the cluster refuses, and makes the rest', async () => {
    const tooWide = aTopic('copied', { replicas: 3 })
    const possible = aTopic('plain')
    const misconfigured = aTopic('odd', { config: { 'cleanup.policy': 'burn' } })
    const applied = await applyTopics(kafka, [tooWide, possible, misconfigured])
    assert.deepEqual(applied, {
      repaired: [{ kind: 'missing', topic: possible.name }],
      remaining: [
        { kind: 'missing', topic: tooWide.name },
        { kind: 'missing', topic: misconfigured.name },
      ],
      refused: [
        { topic: tooWide.name, code: 'INVALID_REPLICATION_FACTOR' },
        { topic: misconfigured.name, code: 'INVALID_CONFIG' },
      ],
    })
    await applyTopics(kafka, [{ ...misconfigured, config: {} }])
    const refusedLater = await applyTopics(kafka, [misconfigured])
    assert.deepEqual(refusedLater.refused, [{ topic: misconfigured.name, code: 'INVALID_CONFIG' }])
  })

  test('holds an entrance’s limit against records that compression makes small', async () => {
    const topic = `${prefix}${names.requested('bulk')}`
    const producer = kafka.producer({ retry: { retries: 0 } })
    await producer.connect()
    const gzip = 1
    const send = (bytes: number) =>
      producer.send({ topic, compression: gzip, messages: [{ key: '1', value: 'x'.repeat(bytes) }] })
    await send(256 * 1024)
    // A few hundred bytes on the wire: only the broker can know that it is too large.
    await assert.rejects(send(400 * 1024), (error: unknown) => {
      assert.ok(error instanceof Error)
      assert.match(
        String((error as { type?: unknown }).type ?? (error.cause as { type?: unknown }).type),
        /MESSAGE_TOO_LARGE/,
      )
      return true
    })
    await producer.disconnect()
  })

  test('on brokers that are away fails as such', async () => {
    const away = new Kafka({ brokers: ['127.0.0.1:1'], retry: { retries: 1 }, logLevel: logLevel.NOTHING })
    await assert.rejects(checkTopics(away, [aTopic('any')]), DependencyUnavailable)
  })
})
