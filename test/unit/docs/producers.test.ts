import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { statuses } from '../../../src/domain/delivery-status.ts'
import { poisonReasons, statusReasons } from '../../../src/domain/reason.ts'
import { requestBytes } from '../../../src/domain/request-validation.ts'
import { topicNames } from '../../../src/domain/topic-names.ts'
import { compileAvroType } from '../../../src/kafka/registry/avro-type.ts'
import { fullRecordName, readRecordSchema } from '../../../src/kafka/registry/record-schemas.ts'
import { readTopicFiles } from '../../../src/kafka/topic-files.ts'
import { subjectOf } from '../../../src/kafka/topic-schemas.ts'
import { batchMax, notificationRequestSchema } from '../../../src/services/gateway/notification-schemas.ts'
import { codeBlocks, inlineCode, links, readDocument, root, section, tableRows } from './markdown.ts'

const document = readDocument('docs/producers.md')
const { path } = document
const programs = codeBlocks(document).filter(({ language }) => language !== 'sh')
const shown = (introduction: string) => links({ path, text: introduction }).map(({ file }) => join(dirname(path), file))
const isMarked = (introduction: string) => introduction.startsWith('**Not run here.**')

describe('docs/producers.md', () => {
  test('shows a program as its file has it, or says that it is not run', () => {
    for (const { language, code, introduction } of programs) {
      const [file] = shown(introduction)
      assert.notEqual(file === undefined, !isMarked(introduction), `${language}: a file, or marked`)
      if (file !== undefined) assert.equal(code, readFileSync(join(root, file), 'utf8'), file)
    }
    assert.deepEqual(
      programs.map(({ language, introduction }) => [language, isMarked(introduction) ? 'marked' : 'run']),
      [
        ['ts', 'run'],
        ['java', 'run'],
        ['java', 'marked'],
        ['python', 'marked'],
      ],
    )
  })

  test('shows files that the test of the producers runs', () => {
    const runs = readFileSync(join(root, 'test/integration/producers.test.ts'), 'utf8')
    for (const { introduction } of programs) {
      for (const file of shown(introduction)) assert.ok(runs.includes(file.replace('examples/producers/', '')), file)
    }
  })

  test('names the versions that run', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const pom = readFileSync(join(root, 'examples/producers/java/pom.xml'), 'utf8')
    for (const name of ['kafkajs', 'avsc']) assert.ok(document.text.includes(`${name} ${dependencies[name]}`), name)
    for (const name of ['kafka-clients', 'avro']) {
      const version = new RegExp(`<artifactId>${name}</artifactId>\\s*<version>(.*)</version>`).exec(pom)?.[1]
      assert.ok(document.text.includes(`${name} ${version}`), name)
    }
  })

  test('writes in Python an event that the schema takes, with the data of the other languages', () => {
    const python = programs.find(({ language }) => language === 'python')?.code ?? ''
    const typeScript = programs.find(({ language }) => language === 'ts')?.code ?? ''
    const event = literalOf(python, /^event = (\{[\s\S]*?^\})/m) as { data: unknown }
    const other = literalOf(typeScript, /^const event = (\{[\s\S]*?^\})/m) as { data: unknown }
    const type = compileAvroType(readRecordSchema('NotificationRequested'))
    for (const each of [event, other]) {
      const paths: string[][] = []
      type.isValid(each, { noUndeclaredFields: true, errorHook: (fault) => void paths.push(fault) })
      assert.deepEqual(paths, [])
    }
    assert.deepEqual(event, other)
  })

  test('posts to the gateway what the gateway takes', () => {
    const gateway = section(document, '## Without Kafka').text
    const [, body = ''] = /<<'BODY'\n([\s\S]*?)^BODY$/m.exec(gateway) ?? []
    notificationRequestSchema.parse(JSON.parse(body))
    assert.ok(gateway.includes(`up to ${batchMax} in one request`))
  })

  test('states subject and limits as the code has them', () => {
    const cells = new Map(tableRows(section(document, '## What must be right')).map(([what, how]) => [what, how ?? '']))
    const topic = topicNames().requested('bulk')
    const subject = subjectOf(topic, 'NotificationRequested')
    assert.equal(subject, `${topic}-${fullRecordName('NotificationRequested')}`)
    assert.ok(cells.get('Schema')?.includes(subject.replace(topic, '<topic>')))
    const batchBytes = Number(readTopicFiles().find(({ name }) => name === topic)?.config['max.message.bytes'])
    assert.ok(cells.get('Size')?.includes(`${requestBytes / 1024} KiB for the value`))
    assert.ok(cells.get('Size')?.includes(`less than ${batchBytes / 1024} KiB for a batch`))
    const [, producerBatch = ''] = /batch\.size=(\d+)/.exec(cells.get('Size') ?? '') ?? []
    assert.ok(Number(producerBatch) < batchBytes)
    assert.ok(document.text.includes(`"batch.size": ${producerBatch}`))
  })

  test('names no topic, status or reason that does not exist', () => {
    const topics = new Set(topicNames().all())
    const words = new Set<string>([...statuses, ...statusReasons, ...poisonReasons, 'murmur2_random'])
    for (const code of inlineCode(document)) {
      if (/^(notifications|users)\./.test(code)) assert.ok(topics.has(code), code)
      else if (/^[a-z\d]+(_[a-z\d]+)+$/.test(code)) assert.ok(words.has(code), code)
    }
    for (const [status = ''] of tableRows(section(document, '## What comes back'))) {
      for (const [, word = ''] of status.matchAll(/`(\w+)`/g)) assert.ok(words.has(word), word)
    }
  })
})

/** The literal that the pattern finds in a program, its arguments filled in. */
function literalOf(program: string, pattern: RegExp): unknown {
  const [, literal = ''] = pattern.exec(program) ?? []
  const json = literal
    .replaceAll(/^\s*\/\/.*$/gm, '')
    .replaceAll('None', 'null')
    .replaceAll(/(\d)\.0\b(?!")/g, '$1')
    .replaceAll(/(?:int|Number)\((\w+)\)/g, '1790000000000')
    .replaceAll(/"notificationId": notification_id|^\s*notificationId(?=,$)/gm, '"notificationId": "an id"')
    .replaceAll(/'([^']*)'/g, '"$1"')
    .replaceAll(/([{,]\s*)(\w+):/g, '$1"$2":')
    .replaceAll(/,(\s*[}\]])/g, '$1')
  return JSON.parse(json)
}
