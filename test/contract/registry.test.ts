import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { after, describe, test } from 'node:test'
import avsc from 'avsc'
import { DependencyUnavailable } from '../../src/domain/dependency-unavailable.ts'
import { topicNames } from '../../src/domain/topic-names.ts'
import { createAvroReader } from '../../src/kafka/registry/avro-reader.ts'
import { createAvroWriter } from '../../src/kafka/registry/avro-writer.ts'
import { readRecordSchema } from '../../src/kafka/registry/record-schemas.ts'
import { createRegistryClient, type RegistryClient } from '../../src/kafka/registry/registry-client.ts'
import { checkSchemas, registerSchemas } from '../../src/kafka/registry/schema-registration.ts'
import { createSchemaStore } from '../../src/kafka/registry/schema-store.ts'
import { subjectOf, topicSchemas } from '../../src/kafka/topic-schemas.ts'
import { aCancellation, aCommand, aRequest } from '../support/builders/records.ts'
import {
  answer,
  beginOnly,
  hang,
  startRegistryStandIn,
  unknownId,
  type Behaviour,
} from '../support/registry-stand-in.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

const registry = createRegistryClient({ url: readStackEnvironment().registryUrl })
const aPrefix = () => `test-${randomBytes(4).toString('hex')}.`

/** The schema with one change to its JSON. */
function changed(record: 'NotificationRequested' | 'DeliveryStatus', from: string, to: string): string {
  const text = readRecordSchema(record)
  assert.ok(text.includes(from))
  return text.replace(from, to)
}

const extraField = (type: string) =>
  changed('NotificationRequested', '"fields":[', `"fields":[{"name":"extra",${type}},`)
const optionalField = extraField('"type":["null","string"],"default":null')

describe('registering schemas', () => {
  const schemas = topicSchemas(topicNames(aPrefix()))
  const requestedSubject = schemas[0]!.subject

  test('is needed once, and once more changes nothing', async () => {
    const missing = await checkSchemas(registry, schemas)
    assert.deepEqual(new Set(missing.map(({ kind }) => kind)), new Set(['missing']))
    assert.equal(missing.length, schemas.length)

    const first = await registerSchemas(registry, schemas)
    assert.deepEqual(new Set(first.map(({ kind }) => kind)), new Set(['registered']))
    assert.deepEqual(await checkSchemas(registry, schemas), [])

    const second = await registerSchemas(registry, schemas)
    assert.deepEqual(
      second,
      first.map((result) => ({ ...result, kind: 'unchanged' })),
    )
  })

  test('lets a public record gain an optional field, and no other', async () => {
    const register = (text: string) => registry.register(requestedSubject, text, 'FULL_TRANSITIVE')
    assert.equal((await register(optionalField)).kind, 'registered')
    assert.deepEqual(await register(extraField('"type":"string"')), { kind: 'refused', status: 409 })
    const lacking = readRecordSchema('NotificationCancelled').replace('NotificationCancelled', 'NotificationRequested')
    assert.deepEqual(await register(lacking), { kind: 'refused', status: 409 })
  })

  test('lets a public enum gain a word', async () => {
    const status = schemas.find(({ record }) => record === 'DeliveryStatus')!
    const wider = changed(
      'DeliveryStatus',
      '"symbols":["UNKNOWN","duplicate"',
      '"symbols":["UNKNOWN","snoozed","duplicate"',
    )
    assert.equal((await registry.register(status.subject, wider, 'FULL_TRANSITIVE')).kind, 'registered')
  })

  test('finds out what somebody else changed, and puts right what it may', async () => {
    const [lost, loosened] = topicSchemas(topicNames(aPrefix()))
    const drifting = [lost!, loosened!]
    await registry.setCompatibility(lost!.subject, 'BACKWARD')
    assert.equal((await registry.register(lost!.subject, optionalField, 'BACKWARD')).kind, 'registered')
    await registerSchemas(registry, [loosened!])
    await registry.setCompatibility(loosened!.subject, 'BACKWARD')
    assert.deepEqual(await checkSchemas(registry, drifting), [
      { kind: 'different', schema: lost },
      { kind: 'compatibility', schema: lost, actual: 'BACKWARD' },
      { kind: 'compatibility', schema: loosened, actual: 'BACKWARD' },
    ])
    await registerSchemas(registry, drifting)
    assert.deepEqual(await checkSchemas(registry, drifting), [])
  })
})

describe('records through the registry', () => {
  const names = topicNames(aPrefix())
  const topic = names.requested('bulk')
  const reader = createAvroReader({
    schemas: createSchemaStore({ ...registry, limits: { unknownRetryDelayMs: 1 } }),
    records: ['NotificationRequested', 'NotificationCancelled'],
  })
  const writerOf = async <Name extends 'NotificationRequested' | 'NotificationCancelled' | 'DeliveryCommand'>(
    record: Name,
    onTopic: string,
  ) => {
    await registered
    return createAvroWriter({ registry, record, subject: subjectOf(onTopic, record) })
  }
  const registered = registerSchemas(registry, topicSchemas(names))

  test('come back as they were, and anybody with the schema can read the bytes', async () => {
    const bytes = (await writerOf('NotificationRequested', topic)).encode(aRequest())
    const cancellation = (await writerOf('NotificationCancelled', topic)).encode(aCancellation())
    assert.deepStrictEqual(await reader.decodeChunk([bytes, cancellation]), [
      { kind: 'record', name: 'NotificationRequested', value: aRequest() },
      { kind: 'record', name: 'NotificationCancelled', value: aCancellation() },
    ])
    const url = `${readStackEnvironment().registryUrl}/schemas/ids/${bytes.readUInt32BE(1)}`
    const { schema } = (await (await fetch(url)).json()) as { schema: string }
    const read = avsc.Type.forSchema(JSON.parse(schema)).fromBuffer(bytes.subarray(5))
    assert.equal(JSON.stringify(read), JSON.stringify(aRequest()))
  })

  test('that cannot be read are poison with the reason, and their neighbours are read', async () => {
    const good = (await writerOf('NotificationRequested', topic)).encode(aRequest())
    const otherRecord = (await writerOf('DeliveryCommand', names.deliveries('sms', 'bulk'))).encode(aCommand())
    const withId = (id: number) => {
      const bytes = Buffer.from(good)
      bytes.writeUInt32BE(id, 1)
      return bytes
    }
    const withUserId = (varint: string) => {
      const [before, following] = good.toString('hex').split('73686f7054') // "shop", then the zigzag of 42
      return Buffer.from(`${before}73686f70${varint}${following}`, 'hex')
    }
    assert.deepEqual(withUserId('54'), good)
    const poison: [Buffer | null, string][] = [
      [null, 'empty_value'],
      ...[0, 1, 2, 3, 4].map((length): [Buffer, string] => [good.subarray(0, length), 'not_avro']),
      [Buffer.from('{"userId": 42}'), 'not_avro'],
      [withId(0), 'unknown_schema_id'],
      [withId(2_000_000_000), 'unknown_schema_id'],
      [withId(0xffff_ffff), 'unknown_schema_id'],
      [otherRecord, 'wrong_record_type'],
      [good.subarray(0, 5), 'undecodable'],
      [good.subarray(0, -1), 'undecodable'],
      [Buffer.concat([good, Buffer.from([0])]), 'undecodable'],
      [withUserId('8080808080808020'), 'undecodable'],
    ]
    const decoded = await reader.decodeChunk([good, ...poison.map(([bytes]) => bytes), good])
    assert.deepEqual(
      decoded.slice(1, -1),
      poison.map(([, reason]) => ({ kind: 'poison', reason })),
    )
    assert.deepEqual([decoded.at(0)?.kind, decoded.at(-1)?.kind], ['record', 'record'])
  })

  test('of a newer producer are read', async () => {
    await registered
    const registration = await registry.register(
      subjectOf(topic, 'NotificationRequested'),
      optionalField,
      'FULL_TRANSITIVE',
    )
    assert.ok(registration.kind === 'registered')
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(registration.id, 1)
    const body = avsc.Type.forSchema(JSON.parse(optionalField)).toBuffer({ ...aRequest(), extra: 'new' })
    assert.deepStrictEqual(await reader.decodeChunk([Buffer.concat([prefix, body])]), [
      { kind: 'record', name: 'NotificationRequested', value: aRequest() },
    ])
  })

  test('cannot be written before somebody registered the schema', async () => {
    const subject = `${aPrefix()}nobody-registered-this`
    await assert.rejects(createAvroWriter({ registry, record: 'DeliveryCommand', subject }), {
      name: 'SchemaNotRegistered',
    })
  })
})

describe('a registry that cannot be asked', { timeout: 20_000 }, () => {
  const requestTimeoutMs = 300
  /** The library's calls are limited as a whole to three requests; the rest is the machine's. */
  const withinMs = 3 * requestTimeoutMs + 1_500
  const stops: (() => Promise<void>)[] = []
  after(() => Promise.all(stops.map((stop) => stop())))

  async function standIn(behaviour: Behaviour) {
    const server = await startRegistryStandIn(behaviour)
    stops.push(server.stop)
    const client = createRegistryClient({ url: server.url, username: 'fanfare', password: 'hush', requestTimeoutMs })
    return { server, client, reader: aReader(client) }
  }
  const aReader = (client: RegistryClient) =>
    createAvroReader({
      schemas: createSchemaStore({ ...client, limits: { unknownRetryDelayMs: 1, attemptsPerUnknownId: 3 } }),
      records: ['NotificationRequested'],
    })
  const value = Buffer.from([0, 0, 0, 0, 7, 0])

  async function assertUnavailable(work: Promise<unknown>, code: string | RegExp): Promise<void> {
    const startedMs = performance.now()
    await assert.rejects(work, (error: unknown) => {
      assert.ok(error instanceof DependencyUnavailable, String(error))
      assert.equal(error.dependency, 'registry')
      assert.match(error.code, new RegExp(code))
      assert.doesNotMatch(`${error.message} ${error.stack}`, /hush/)
      return true
    })
    assert.ok(performance.now() - startedMs < withinMs, 'took too long')
  }

  const silences: Record<string, Behaviour> = { 'never answers': hang, 'never ends its answer': beginOnly }
  for (const [silence, behaviour] of Object.entries(silences)) {
    test(`because it ${silence}, is unavailable within the time-out, in every call`, async () => {
      const { client, reader } = await standIn(behaviour)
      await Promise.all([
        assertUnavailable(reader.decodeChunk([value]), 'TimeoutError'),
        assertUnavailable(client.lookUp('subject', '"string"'), 'TimeoutError|NO_ANSWER'),
        assertUnavailable(client.register('subject', optionalField, 'BACKWARD'), 'TimeoutError|NO_ANSWER'),
        assertUnavailable(client.compatibilityOf('subject'), 'TimeoutError'),
        assertUnavailable(client.setCompatibility('subject', 'BACKWARD'), 'TimeoutError'),
        assertUnavailable(client.hasSubject('subject'), 'TimeoutError'),
      ])
    })
  }

  test('because nothing listens there, is unavailable in every call', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    const client = createRegistryClient({ url: `http://127.0.0.1:${port}`, requestTimeoutMs })
    await assertUnavailable(aReader(client).decodeChunk([value]), 'ECONNREFUSED')
    await assertUnavailable(client.lookUp('subject', '"string"'), 'NO_ANSWER')
    await assertUnavailable(client.register('subject', optionalField, 'BACKWARD'), 'NO_ANSWER')
  })

  const answers: Record<string, [Behaviour, string]> = {
    'is overloaded': [answer(503, { error_code: 50301, message: 'busy' }), 'HTTP_503'],
    'refuses the login': [answer(401, { error_code: 401 }), 'HTTP_401'],
    'is a proxy that knows no such page': [answer(404, '<html>'), 'HTTP_404'],
    'is another service with errors of its own': [answer(404, { error_code: 0 }), 'HTTP_404'],
    'is a page for people': [answer(200, '<html>'), 'UNREADABLE_ANSWER'],
    'is another service': [answer(200, { hello: 'world' }), 'UNREADABLE_ANSWER'],
  }
  for (const [what, [behaviour, code]] of Object.entries(answers)) {
    test(`because it ${what}, is unavailable and makes no poison`, async () => {
      const { reader } = await standIn(behaviour)
      await assertUnavailable(reader.decodeChunk([value]), code)
    })
  }

  test('is asked again by the next chunk, and what it knows by then is read', async () => {
    const { server, reader } = await standIn(answer(503, {}))
    await assertUnavailable(reader.decodeChunk([value]), 'HTTP_503')
    server.behave(answer(200, { schema: readRecordSchema('NotificationCancelled') }))
    assert.deepEqual(await reader.decodeChunk([value]), [{ kind: 'poison', reason: 'wrong_record_type' }])
  })

  test('does not keep a chunk without new ids from being read', async () => {
    const { server, client, reader } = await standIn(answer(200, { schema: readRecordSchema('NotificationRequested') }))
    assert.deepEqual(await reader.decodeChunk([value]), [{ kind: 'poison', reason: 'undecodable' }])
    server.behave(hang)
    assert.deepEqual(await reader.decodeChunk([value, null]), [
      { kind: 'poison', reason: 'undecodable' },
      { kind: 'poison', reason: 'empty_value' },
    ])
    await assertUnavailable(aReader(client).decodeChunk([value]), 'TimeoutError')
  })

  test('gets the login with every request', async () => {
    const logins = new Set<string | undefined>()
    const { client, server } = await standIn((request, response) => {
      logins.add(request.headers.authorization)
      answer(200, { id: 7, schema: '"string"' })(request, response)
    })
    await client.fetchSchema(7)
    await client.lookUp('subject', '"string"')
    assert.equal(server.requests.length, 2)
    assert.deepEqual(logins, new Set([`Basic ${Buffer.from('fanfare:hush').toString('base64')}`]))
  })

  test('that does not know an id is asked for it three times, and not for every record that has it', async () => {
    const { server, reader } = await standIn(unknownId)
    for (let chunk = 0; chunk < 3; chunk += 1) {
      const decoded = await reader.decodeChunk(Array.from({ length: 100 }, () => value))
      assert.deepEqual(
        new Set(decoded.map((each) => each.kind === 'poison' && each.reason)),
        new Set(['unknown_schema_id']),
      )
    }
    assert.deepEqual(
      server.requests,
      Array.from({ length: 3 }, () => 'GET /schemas/ids/7'),
    )
  })
})
