/**
 * What docs/contracts.md has to say, compared with avro/, topics/ and the domain. Each check throws where the page lacks
 * something, says something that is not so, or names a thing without a sentence about it.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { statuses } from '../../../src/domain/delivery-status.ts'
import {
  bookkeepingReasons,
  deferralReasons,
  poisonReasons,
  providerReasons,
  requestReasons,
  senderReasons,
  statusReasons,
  suppressionReasons,
  type DeadLetterReason,
  type PoisonReason,
  type ProviderReason,
  type SenderReason,
} from '../../../src/domain/reason.ts'
import { headerNames } from '../../../src/domain/record-headers.ts'
import { readTopicFiles } from '../../../src/kafka/topic-files.ts'
import { topicSchemas } from '../../../src/kafka/topic-schemas.ts'
import { expandBraces, firstWords, root, section, tableRows, type Document } from './markdown.ts'

type Check = (document: Document) => void

/** The compiler keeps it complete: a reason that is added to the type and not here is an error. */
export const ownDeadLetterReasons = Object.keys({
  bad_header: true,
  data_error: true,
  internal_error: true,
  no_row: true,
} satisfies Record<Exclude<DeadLetterReason, PoisonReason | ProviderReason | SenderReason>, true>)

interface AvroNode {
  name?: string
  type?: unknown
  symbols?: string[]
  fields?: AvroField[]
  items?: unknown
  values?: unknown
}
interface AvroField {
  name: string
  type: unknown
}

const records = readdirSync(join(root, 'avro')).map(
  (file) => JSON.parse(readFileSync(join(root, 'avro', file), 'utf8')) as { name: string; fields: AvroField[] },
)
const topicFiles = readTopicFiles()

/** The type in the words of the document. */
function typeWord(type: unknown): string {
  if (typeof type === 'string') return type
  if (Array.isArray(type)) {
    assert.equal(type[0], 'null', 'a union is an optional value')
    return `${typeWord(type[1])}?`
  }
  const { type: kind, logicalType, name } = type as { type: string; logicalType?: string; name?: string }
  if (logicalType === 'timestamp-millis') return 'timestamp'
  return logicalType ?? (kind === 'enum' ? (name ?? kind) : kind)
}

/** Every record and enum within a type, itself included. */
function namedTypesOf(type: unknown): AvroNode[] {
  if (Array.isArray(type)) return type.flatMap(namedTypesOf)
  if (typeof type !== 'object' || type === null) return []
  const node = type as AvroNode
  const within = [node.items, node.values, ...(node.fields ?? []).map((field) => field.type)].flatMap(namedTypesOf)
  return node.fields === undefined && node.symbols === undefined ? within : [node, ...within]
}

function retentionWord(config: Readonly<Record<string, string>>): string {
  return config['cleanup.policy'] === 'compact' ? 'compacted' : `${Number(config['retention.ms']) / 86_400_000} d`
}

/** Of every row the last cell, which says what the first one means. */
function assertExplained(document: Document): void {
  for (const cells of tableRows(document)) assert.match(cells.at(-1) ?? '', /^\S.*\S\.$/, `${cells[0]} has no sentence`)
}

function topicsAreThere(document: Document): void {
  const documented = tableRows(section(document, '## Topics')).flatMap(([name = '', , , partitions, retention]) =>
    expandBraces(name.replaceAll('`', '')).map((topic) => ({ topic, partitions, retention })),
  )
  const declared = topicFiles.map(({ name, partitions, config }) => ({
    topic: name,
    partitions: String(partitions),
    retention: retentionWord(config),
  }))
  const byTopic = (a: { topic: string }, b: { topic: string }) => (a.topic < b.topic ? -1 : 1)
  assert.deepEqual(documented.toSorted(byTopic), declared.toSorted(byTopic))
}

function topicsHoldWhatTheySay(document: Document): void {
  for (const [name = '', , value = '', , , audience = ''] of tableRows(section(document, '## Topics'))) {
    for (const topic of expandBraces(name.replaceAll('`', ''))) {
      const schemas = topicSchemas().filter((schema) => schema.topic === topic)
      const named = [...value.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? '')
      assert.deepEqual(named.toSorted(), schemas.map(({ record }) => record).toSorted(), topic)
      const isPublic = schemas.some(({ compatibility }) => compatibility === 'FULL_TRANSITIVE')
      assert.equal(audience.startsWith('public'), isPublic, topic)
    }
  }
}

function fieldsAreThere({ name, fields }: { name: string; fields: AvroField[] }): Check {
  return (document) => {
    const table = section(document, `### ${name}`)
    const documented = tableRows(table).map(([field, type]) => ({ field, type }))
    const declared = fields.map((field) => ({ field: `\`${field.name}\``, type: typeWord(field.type) }))
    assert.deepEqual(documented, declared)
    assertExplained(table)
  }
}

/** These have a table of their own. */
const tabledEnums = ['Status', 'StatusReason', 'ProviderReason']

/** The fields of a record within a record, and the words of an enum, stand with one of the fields that have them. */
function nestedWordsAreThere(document: Document): void {
  const missing = new Map<string, string[]>()
  for (const { name, fields } of records) {
    const rows = tableRows(section(document, `### ${name}`))
    const meanings = new Map(rows.map((cells) => [cells[0], cells.at(-1) ?? '']))
    for (const field of fields) {
      for (const { name: typeName = '', symbols = [], fields: inner = [] } of namedTypesOf(field.type)) {
        if (tabledEnums.includes(typeName)) continue
        const words = [...symbols.filter((symbol) => symbol !== 'UNKNOWN'), ...inner.map((each) => each.name)]
        const lacking = words.filter((word) => !meanings.get(`\`${field.name}\``)?.includes(`\`${word}\``))
        if (lacking.length < (missing.get(typeName)?.length ?? Infinity)) missing.set(typeName, lacking)
      }
    }
  }
  assert.deepEqual(
    [...missing].filter(([, words]) => words.length > 0),
    [],
  )
}

function statusesAreThere(document: Document): void {
  const table = section(document, '## Statuses')
  assert.deepEqual(firstWords(table), [...statuses])
  assertExplained(table)
}

const reasonGroups: Record<string, readonly string[]> = {
  '### Why a request is refused': requestReasons,
  '### Why a person is not to hear of it': suppressionReasons,
  '### Why it waits': deferralReasons,
  "### What a provider's answer came to": providerReasons,
  '### What the sender decides': senderReasons,
  '### Bookkeeping': bookkeepingReasons,
}

function reasonsAreThere(heading: string, reasons: readonly string[]): Check {
  return (document) => {
    const table = section(document, heading)
    assert.deepEqual(firstWords(table), [...reasons])
    assertExplained(table)
  }
}

function reasonGroupsAreThere(document: Document): void {
  assert.deepEqual(firstWords(section(document, '## Reasons')).toSorted(), [...statusReasons].toSorted())
}

function deadLetterReasonsAreThere(document: Document): void {
  const table = section(document, '## Dead letters')
  assert.deepEqual(firstWords(table).toSorted(), [...poisonReasons, ...ownDeadLetterReasons].toSorted())
  assertExplained(table)
}

function headersAreThere(document: Document): void {
  const table = section(document, '## Headers')
  assert.deepEqual(firstWords(table).toSorted(), Object.values(headerNames).toSorted())
  assertExplained(table)
}

/** By the sentence that says what holds if none of it throws. */
export const contractChecks: Readonly<Record<string, Check>> = {
  'names every topic once, with its partitions and retention': topicsAreThere,
  'says which records lie on a topic, and which topics are public': topicsHoldWhatTheySay,
  ...Object.fromEntries(
    records.map((record) => [
      `lists the fields of ${record.name} with type and meaning, in the schema's order`,
      fieldsAreThere(record),
    ]),
  ),
  'names the words of every enum and the fields of every record within a record': nestedWordsAreThere,
  'lists every status with its meaning, and nothing that is none': statusesAreThere,
  ...Object.fromEntries(
    Object.entries(reasonGroups).map(([heading, reasons]) => [
      `lists the reasons of "${heading.slice(4)}" with their meaning`,
      reasonsAreThere(heading, reasons),
    ]),
  ),
  'lists every group of reasons': reasonGroupsAreThere,
  'lists every dead-letter reason that is no status reason, with its meaning': deadLetterReasonsAreThere,
  'lists every header with its meaning': headersAreThere,
}

/** The sections whose every row is held by a check. */
export const checkedSections: readonly string[] = [
  '## Topics',
  ...records.map(({ name }) => `### ${name}`),
  '## Statuses',
  '## Reasons',
  '## Dead letters',
  '## Headers',
]
