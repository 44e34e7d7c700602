import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
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
import {
  futureToleranceMs,
  oldestRequestMs,
  requestBytes,
  sendAtHorizonMs,
} from '../../../src/domain/request-validation.ts'
import { topicNames } from '../../../src/domain/topic-names.ts'
import { readTopicFiles } from '../../../src/kafka/topic-files.ts'
import { topicSchemas } from '../../../src/kafka/topic-schemas.ts'
import { expandBraces, firstWords, inlineCode, readDocument, root, section, tableRows } from './markdown.ts'

const document = readDocument('docs/contracts.md')

/** The compiler keeps it complete: a reason that is added to the type and not here is an error. */
const ownDeadLetterReasons = Object.keys({
  bad_header: true,
  data_error: true,
  internal_error: true,
  no_row: true,
} satisfies Record<Exclude<DeadLetterReason, PoisonReason | ProviderReason | SenderReason>, true>)

interface AvroField {
  name: string
  type: unknown
}
interface AvroRecord {
  name: string
  fields: AvroField[]
}

const records = readdirSync(join(root, 'avro')).map(
  (file) => JSON.parse(readFileSync(join(root, 'avro', file), 'utf8')) as AvroRecord,
)

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

const retentionWord = (config: Readonly<Record<string, string>>) =>
  config['cleanup.policy'] === 'compact' ? 'compacted' : `${Number(config['retention.ms']) / 86_400_000} d`

describe('docs/contracts.md', () => {
  test('names every topic once, with its partitions and retention', () => {
    const documented = tableRows(section(document, '## Topics')).flatMap(([name = '', , , partitions, retention]) =>
      expandBraces(name.replaceAll('`', '')).map((topic) => ({ topic, partitions, retention })),
    )
    const declared = readTopicFiles().map(({ name, partitions, config }) => ({
      topic: name,
      partitions: String(partitions),
      retention: retentionWord(config),
    }))
    const byTopic = (a: { topic: string }, b: { topic: string }) => (a.topic < b.topic ? -1 : 1)
    assert.deepEqual(documented.toSorted(byTopic), declared.toSorted(byTopic))
  })

  test('says which records lie on a topic, and which topics are public', () => {
    for (const [name = '', , value = '', , , audience = ''] of tableRows(section(document, '## Topics'))) {
      for (const topic of expandBraces(name.replaceAll('`', ''))) {
        const schemas = topicSchemas().filter((schema) => schema.topic === topic)
        const named = [...value.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? '')
        assert.deepEqual(named.toSorted(), schemas.map(({ record }) => record).toSorted(), topic)
        const isPublic = schemas.some(({ compatibility }) => compatibility === 'FULL_TRANSITIVE')
        assert.equal(audience.startsWith('public'), isPublic, topic)
      }
    }
  })

  for (const { name, fields } of records) {
    test(`lists the fields of ${name} with their types, in the schema's order`, () => {
      const documented = tableRows(section(document, `### ${name}`)).map(([field, type]) => ({ field, type }))
      const declared = fields.map((field) => ({ field: `\`${field.name}\``, type: typeWord(field.type) }))
      assert.deepEqual(documented, declared)
    })
  }

  test('lists every status, and nothing that is none', () => {
    assert.deepEqual(firstWords(section(document, '## Statuses')), [...statuses])
  })

  const groups: Record<string, readonly string[]> = {
    '### Why a request is refused': requestReasons,
    '### Why a person is not to hear of it': suppressionReasons,
    '### Why it waits': deferralReasons,
    "### What a provider's answer came to": providerReasons,
    '### What the sender decides': senderReasons,
    '### Bookkeeping': bookkeepingReasons,
  }
  for (const [heading, reasons] of Object.entries(groups)) {
    test(`lists the reasons of "${heading.slice(4)}"`, () => {
      assert.deepEqual(firstWords(section(document, heading)), [...reasons])
    })
  }

  test('lists every group of reasons', () => {
    assert.deepEqual(firstWords(section(document, '## Reasons')).toSorted(), [...statusReasons].toSorted())
  })

  test('lists every dead-letter reason that is no status reason', () => {
    const documented = firstWords(section(document, '## Dead letters'))
    assert.deepEqual(documented.toSorted(), [...poisonReasons, ...ownDeadLetterReasons].toSorted())
  })

  test('lists every header', () => {
    const documented = firstWords(section(document, '## Headers'))
    assert.deepEqual(documented.toSorted(), Object.values(headerNames).toSorted())
  })

  test('states the limits as the code has them', () => {
    const producers = section(document, '## In short, for producers').text
    assert.ok(producers.includes(`at most ${futureToleranceMs / 3_600_000} hour ahead`))
    assert.ok(producers.includes(`at most ${oldestRequestMs / 86_400_000} days old`))
    assert.ok(producers.includes(`At most ${requestBytes / 1024} KiB`))
    assert.ok(section(document, '### NotificationRequested').text.includes(`${sendAtHorizonMs / 86_400_000} days`))
  })

  test('names no topic, header or reason that does not exist', () => {
    const topics = new Set(topicNames().all())
    const headers = new Set<string>(Object.values(headerNames))
    const otherWords = ['murmur2_random', 'invalid_address']
    const words = new Set<string>([...statusReasons, ...poisonReasons, ...ownDeadLetterReasons, ...otherWords])
    for (const code of inlineCode(document)) {
      if (/^(notifications|users)\./.test(code)) {
        for (const topic of expandBraces(code)) assert.ok(topics.has(topic), code)
      } else if (code.startsWith('x-')) assert.ok(headers.has(code), code)
      else if (/^[a-z]+(_[a-z]+)+$/.test(code)) assert.ok(words.has(code), code)
    }
  })
})
