import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compileAvroType } from '../../../../src/kafka/registry/avro-type.ts'
import {
  createAvroWriter,
  createSchemaWriter,
  SchemaNotRegistered,
  UnencodableRecord,
} from '../../../../src/kafka/registry/avro-writer.ts'
import { readRecordSchema } from '../../../../src/kafka/registry/record-schemas.ts'
import { aRequest } from '../../../support/builders/records.ts'
import { anyTemplateData } from '../../../support/builders/template-data.ts'

const type = compileAvroType(readRecordSchema('NotificationRequested'))
const aWriter = (schemaId = 1) => createSchemaWriter({ type, record: 'NotificationRequested', schemaId })

describe('the writer', () => {
  test('puts the magic byte and the id in front of what Avro makes of the record', () => {
    const bytes = aWriter(0x01020304).encode(aRequest())
    assert.deepEqual([...bytes.subarray(0, 5)], [0, 1, 2, 3, 4])
    assert.deepEqual(bytes.subarray(5), type.toBuffer(aRequest()))
  })

  test('keeps earlier records as they are while it writes on, whatever their sizes', () => {
    const sizes = fc.array(fc.oneof(fc.nat(300), fc.nat(90_000), fc.nat(600_000)), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(sizes, (lengths) => {
        const writer = aWriter()
        const requests = lengths.map((length, index) => aRequest({ data: { text: String(index % 10).repeat(length) } }))
        const written = requests.map((request) => writer.encode(request))
        for (const [index, request] of requests.entries()) {
          assert.ok(written[index]!.subarray(5).equals(type.toBuffer(request)), `record ${index}`)
        }
      }),
      { numRuns: 30 },
    )
  })

  test('ends a record exactly at the end of a slab as well as anywhere', () => {
    const overhead = aWriter().encode(aRequest({ data: { text: 'x'.repeat(100_000) } })).length - 100_000
    for (let length = 256 * 1024 - overhead - 3; length <= 256 * 1024 - overhead + 3; length += 1) {
      const writer = aWriter()
      const request = aRequest({ data: { text: 'x'.repeat(length) } })
      assert.ok(writer.encode(request).subarray(5).equals(type.toBuffer(request)))
      assert.ok(writer.encode(aRequest()).subarray(5).equals(type.toBuffer(aRequest())))
    }
  })

  test('takes any template data and gives the same back, without wrapping anything', () => {
    const writer = aWriter()
    fc.assert(
      fc.property(anyTemplateData, (data) => {
        const decoded = type.fromBuffer(writer.encode(aRequest({ data })).subarray(5))
        // Compared entry by entry: whether a map has a prototype is no part of its value.
        assert.deepEqual(plain(decoded.data), plain(data))
      }),
    )
  })

  test('names the field that does not fit, and no value', () => {
    const request = aRequest({
      userId: 1.5,
      source: 42 as unknown as string,
      data: { 'person@example.test': 7n as never },
    })
    assert.throws(
      () => aWriter().encode(request),
      (error: unknown) => {
        assert.ok(error instanceof UnencodableRecord)
        assert.equal(error.message, 'fanfare.v1.NotificationRequested does not fit its schema at source, userId, data')
        assert.equal(error.cause, undefined)
        return true
      },
    )
  })

  test('goes on after a record that did not fit', () => {
    const writer = aWriter()
    const before = writer.encode(aRequest({ source: 'before' }))
    assert.throws(() => writer.encode(aRequest({ createdAt: Number.NaN })), UnencodableRecord)
    const after = writer.encode(aRequest({ source: 'after' }))
    assert.equal(type.fromBuffer(before.subarray(5)).source, 'before')
    assert.equal(type.fromBuffer(after.subarray(5)).source, 'after')
  })

  test('without a registered schema says which subject lacks it and what to run', async () => {
    const writer = createAvroWriter({
      registry: { lookUp: async () => undefined },
      record: 'DeliveryCommand',
      subject: 'notifications.sms.bulk-value',
    })
    await assert.rejects(writer, (error: unknown) => {
      assert.ok(error instanceof SchemaNotRegistered)
      assert.match(
        error.message,
        /notifications\.sms\.bulk-value.*fanfare\.v1\.DeliveryCommand.*fanfare schemas register/,
      )
      return true
    })
  })
})

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  return typeof value === 'object' && value !== null
    ? Object.entries(value).map(([key, each]) => [key, plain(each)])
    : value
}
