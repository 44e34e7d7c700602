import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createAvroReader } from '../../../../src/kafka/registry/avro-reader.ts'
import { compileAvroType } from '../../../../src/kafka/registry/avro-type.ts'
import { readRecordSchema, type RecordName } from '../../../../src/kafka/registry/record-schemas.ts'
import { createSchemaStore } from '../../../../src/kafka/registry/schema-store.ts'
import { aCommand, aRequest } from '../../../support/builders/records.ts'

interface Schema {
  fields: { name: string; type: unknown; default?: unknown }[]
}
const schemaOf = (record: RecordName): Schema => JSON.parse(readRecordSchema(record))

/** Reads a body that was written by some version of the schema. */
async function read(record: RecordName, body: Buffer, writerSchema: unknown = schemaOf(record)) {
  const schemas = createSchemaStore({
    fetchSchema: async () => ({ kind: 'avro', schema: JSON.stringify(writerSchema) }),
  })
  const reader = createAvroReader({ schemas, records: [record] })
  const [decoded] = await reader.decodeChunk([Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), body])])
  return decoded!
}

async function writeAndRead(record: RecordName, value: object, writerSchema: unknown = schemaOf(record)) {
  return read(record, compileAvroType(JSON.stringify(writerSchema)).toBuffer(value), writerSchema)
}

const undecodable = { kind: 'poison', reason: 'undecodable' }

describe('the reader', () => {
  test('gives plain objects, equal to the literals that were written', async () => {
    const data = { lines: [{ item: 'Umbrella', count: 2 }], none: [], flag: false, nothing: null, price: -0 }
    const request = aRequest({ data, channels: ['push'], sendAt: Date.UTC(2030, 0) })
    assert.deepStrictEqual(await writeAndRead('NotificationRequested', request), {
      kind: 'record',
      name: 'NotificationRequested',
      value: request,
    })
  })

  test('keeps a key that objects reserve for their prototype', async () => {
    const data = JSON.parse('{"__proto__": [{"__proto__": "x"}], "a": "b"}') as Record<string, string>
    const decoded = await writeAndRead('NotificationRequested', aRequest({ data }))
    assert.ok(decoded.kind === 'record' && 'data' in decoded.value)
    assert.equal(JSON.stringify(decoded.value.data), JSON.stringify(data))
    assert.equal(Object.getPrototypeOf(decoded.value.data), Object.prototype)
  })

  test('reads what a newer producer writes, with a field and a list that it does not know', async () => {
    const newer = schemaOf('NotificationRequested')
    const extra = { name: 'extra', type: { type: 'map', values: { type: 'array', items: 'long' } }, default: {} }
    newer.fields.splice(3, 0, extra)
    const written = { ...aRequest(), extra: { a: [1, 2], b: [] } }
    const decoded = await writeAndRead('NotificationRequested', written, newer)
    assert.deepStrictEqual(decoded, { kind: 'record', name: 'NotificationRequested', value: aRequest() })
  })

  test('fills in what an older producer does not write yet', async () => {
    const older = schemaOf('NotificationRequested')
    older.fields = older.fields.filter(({ name }) => name !== 'collapseKey' && name !== 'data')
    const decoded = await writeAndRead('NotificationRequested', aRequest(), older)
    assert.deepStrictEqual(decoded, {
      kind: 'record',
      name: 'NotificationRequested',
      value: aRequest({ data: {}, collapseKey: null }),
    })
  })

  test('cannot use a schema of the same name that lacks a required field', async () => {
    const other = schemaOf('NotificationRequested')
    other.fields = other.fields.filter(({ name }) => name !== 'userId')
    assert.deepEqual(await writeAndRead('NotificationRequested', aRequest(), other), undecodable)
  })

  test('refuses a word of an enum that it is too old to know, and reads the words that it knows', async () => {
    const text = readRecordSchema('DeliveryCommand').replace(
      '"symbols":["UNKNOWN","ios"',
      '"symbols":["UNKNOWN","fax","ios"',
    )
    const newer = JSON.parse(text) as Schema
    assert.notDeepEqual(newer, schemaOf('DeliveryCommand'))
    assert.deepEqual(await writeAndRead('DeliveryCommand', { ...aCommand(), channel: 'fax' }, newer), undecodable)
    assert.equal((await writeAndRead('DeliveryCommand', aCommand(), newer)).kind, 'record')
  })

  test('refuses numbers that JavaScript cannot hold', async () => {
    const body = compileAvroType(readRecordSchema('NotificationCancelled')).toBuffer({
      notificationId: '',
      source: '',
      userId: 0,
      createdAt: 1,
      cancelledAt: 1,
    })
    const withUserId = (...varint: number[]) =>
      Buffer.concat([body.subarray(0, 2), Buffer.from(varint), body.subarray(3)])
    // Zigzag: 2^53 - 1 would be safe, but avsc stops one earlier; 2^53 and the largest long are not.
    const largest = withUserId(0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f)
    const decoded = await read('NotificationCancelled', largest)
    assert.ok(decoded.kind === 'record' && 'userId' in decoded.value)
    assert.equal(decoded.value.userId, Number.MAX_SAFE_INTEGER - 1)
    for (const varint of [
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20],
      [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      Array.from({ length: 400 }, () => 0xff),
    ]) {
      assert.deepEqual(await read('NotificationCancelled', withUserId(...varint)), undecodable)
    }
  })
})

describe('bytes that announce more than they hold', () => {
  const request = compileAvroType(readRecordSchema('NotificationRequested'))
  const before = request.toBuffer(aRequest({ data: {} }))
  const dataAt = request.toBuffer(aRequest({ data: { a: null } })).findIndex((byte, index) => byte !== before[index])
  const withData = (...bytes: number[]) => Buffer.concat([before.subarray(0, dataAt), Buffer.from(bytes)])
  const huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]
  const hugeNegative = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]

  test('are refused at once: a map, a list, and either with a block size', async () => {
    for (const body of [
      withData(...huge),
      withData(...hugeNegative, 2),
      withData(2, 2, 0x61, 8, ...huge),
      withData(2, 2, 0x61, 8, ...hugeNegative, 2),
      withData(2, 2, 0x61, 8, ...Array.from({ length: 60 }, () => 0xff), 0x7f),
    ]) {
      assert.deepEqual(await read('NotificationRequested', body), undecodable)
    }
  })

  test('are refused at once in a field that the reader only skips, also where the block size points back', async () => {
    const newer = schemaOf('NotificationCancelled')
    newer.fields.unshift({ name: 'extra', type: { type: 'array', items: 'null' }, default: [] })
    const body = compileAvroType(readRecordSchema('NotificationCancelled')).toBuffer({
      notificationId: 'n',
      source: 's',
      userId: 1,
      createdAt: 1,
      cancelledAt: 1,
    })
    assert.equal((await read('NotificationCancelled', Buffer.concat([Buffer.from([0]), body]), newer)).kind, 'record')
    // One item in a block of -3 bytes: whoever follows the size stands before the count again.
    const pointingBack = Buffer.concat([Buffer.from([1, 5]), body])
    assert.equal((await read('NotificationCancelled', pointingBack, newer)).kind, 'poison')
    assert.deepEqual(await read('NotificationCancelled', Buffer.from(huge), newer), undecodable)
  })

  test('and any other damage give a verdict, never an exception', async () => {
    const body = request.toBuffer(aRequest({ data: { text: 'x', lines: [{ a: 1 }, { b: null }] }, channels: ['sms'] }))
    const damage = fc.array(fc.record({ at: fc.nat(body.length - 1), byte: fc.nat(255) }), {
      minLength: 1,
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(damage, fc.nat(body.length), async (changes, length) => {
        const damaged = Buffer.from(body)
        for (const { at, byte } of changes) damaged[at] = byte
        const { kind } = await read('NotificationRequested', damaged.subarray(0, length))
        assert.ok(kind === 'record' || kind === 'poison')
      }),
      { numRuns: 300 },
    )
  })
})
