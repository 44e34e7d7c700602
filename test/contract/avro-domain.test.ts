import { feedbackKinds } from '../../src/domain/provider-feedback.ts'
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { channels, lanes } from '../../src/domain/channel.ts'
import { unknownPolicies } from '../../src/domain/delivery-command.ts'
import { statuses } from '../../src/domain/delivery-status.ts'
import { providerReasons, statusReasons } from '../../src/domain/reason.ts'
import { compileAvroType } from '../../src/kafka/registry/avro-type.ts'
import {
  fullRecordName,
  isRecordSchemaName,
  readRecordSchema,
  type RecordName,
  type RecordTypes,
} from '../../src/kafka/registry/record-schemas.ts'
import { aCancellation, aCommand, aFeedback, aRequest, aStatus, aUserChange } from '../support/builders/records.ts'

interface AvroNode {
  type?: unknown
  name?: string
  namespace?: string
  doc?: string
  symbols?: string[]
  default?: unknown
  fields?: AvroNode[]
}

const schemas = new Map<string, AvroNode>(
  readdirSync('avro').map((file) => [file, JSON.parse(readFileSync(`avro/${file}`, 'utf8'))]),
)

/** Every named type and every field of a schema, with the path that leads to it. */
function* nodesOf(node: unknown, path: string): Generator<{ path: string; node: AvroNode; isField: boolean }> {
  if (Array.isArray(node)) for (const each of node) yield* nodesOf(each, path)
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return
  const { type, name, fields, items, values } = node as AvroNode & { items?: unknown; values?: unknown }
  if (type === 'record' || type === 'enum') yield { path: `${path} ${name}`, node, isField: false }
  for (const field of fields ?? []) {
    yield { path: `${path} ${name}.${field.name}`, node: field, isField: true }
    yield* nodesOf(field.type, path)
  }
  for (const nested of [items, values]) yield* nodesOf(nested, path)
}

const nodes = [...schemas].flatMap(([file, schema]) => [...nodesOf(schema, file)])

const enumWords: Record<string, readonly string[]> = {
  Channel: channels,
  StatusChannel: [...channels, 'push'],
  Lane: lanes,
  Status: statuses,
  StatusReason: statusReasons,
  ProviderReason: providerReasons,
  UnknownPolicy: unknownPolicies,
  DevicePlatform: ['ios', 'android'],
  FeedbackKind: feedbackKinds,
}

const samples: RecordTypes = {
  NotificationRequested: aRequest(),
  NotificationCancelled: aCancellation(),
  DeliveryCommand: aCommand(),
  DeliveryStatus: aStatus(),
  ProviderFeedback: aFeedback(),
  UserChanged: aUserChange(),
}

describe('the schemas of avro/', () => {
  test('hold one record each, known to the code by its name, in our namespace', () => {
    for (const [file, schema] of schemas) {
      const record = schema.name ?? ''
      assert.equal(schema.type, 'record', file)
      assert.ok(isRecordSchemaName(record), file)
      assert.equal(`${schema.namespace}.${schema.name}`, fullRecordName(record))
      assert.deepEqual(JSON.parse(readRecordSchema(record)), schema)
      assert.equal(file, `${record.replaceAll(/\B[A-Z]/g, (letter) => `-${letter}`).toLowerCase()}.avsc`)
    }
    assert.equal(schemas.size, 6)
  })

  test('document every record, enum and field in a sentence', () => {
    for (const { path, node } of nodes) assert.match(node.doc ?? '', /^\S.{5,}\.$/s, path)
  })

  test('give every enum the default UNKNOWN, and list the domain’s words exactly', () => {
    const enums = nodes.filter(({ node }) => node.symbols !== undefined)
    assert.deepEqual(new Set(enums.map(({ node }) => node.name)), new Set(Object.keys(enumWords)))
    for (const { path, node } of enums) {
      assert.equal(node.default, 'UNKNOWN', path)
      const words = enumWords[node.name ?? '']
      assert.deepEqual(node.symbols?.toSorted(), ['UNKNOWN', ...(words ?? [])].toSorted(), path)
    }
  })

  test('say null first and by default wherever a field is optional', () => {
    for (const { path, node, isField } of nodes) {
      if (!isField || !Array.isArray(node.type)) continue
      assert.equal(node.type[0], 'null', path)
      assert.equal(node.default, null, path)
    }
  })

  test('define a name that several schemas use the same everywhere', () => {
    const definitions = new Map<string | undefined, string>()
    for (const { path, node, isField } of nodes) {
      if (isField) continue
      const definition = JSON.stringify(node)
      assert.equal(definitions.get(node.name) ?? definition, definition, path)
      definitions.set(node.name, definition)
    }
  })

  for (const name of Object.keys(samples) as RecordName[]) {
    test(`give ${name} exactly the fields of its domain type, in both directions`, () => {
      const type = compileAvroType(readRecordSchema(name))
      const fields = (JSON.parse(readRecordSchema(name)) as AvroNode).fields ?? []
      assert.deepEqual(
        fields.map((field) => field.name),
        Object.keys(samples[name]),
      )
      assert.deepEqual(type.fromBuffer(type.toBuffer(samples[name])), samples[name])
    })
  }
})
