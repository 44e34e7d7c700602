import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { retentionBreaches } from '../../../src/domain/retention.ts'
import { topicNames } from '../../../src/domain/topic-names.ts'
import { readTopicFiles } from '../../../src/kafka/topic-files.ts'

const topics = topicNames()
const day = 86_400_000
const declared = new Map(readTopicFiles().map(({ name, config }) => [name, Number(config['retention.ms'] ?? Infinity)]))

const breaches = (changed: Record<string, number>) =>
  retentionBreaches(topics, (topic) => changed[topic] ?? declared.get(topic))

describe('the arithmetic of retention', () => {
  test('holds for the topics that we declare', () => {
    assert.ok(declared.size > 20)
    assert.deepEqual(breaches({}), [])
  })

  test('breaks where commands or requests would be deleted before their time is over', () => {
    for (const topic of [topics.deliveries('sms', 'bulk'), topics.retry('bulk', '1h'), topics.requested('bulk')]) {
      assert.deepEqual(
        breaches({ [topic]: 5 * day }).map(({ topic: named, kind }) => [named, kind]),
        [[topic, 'too_short']],
      )
      assert.deepEqual(breaches({ [topic]: Infinity }), [])
    }
  })

  test('breaks where a dead letter would outlive the row that keeps it from being sent again', () => {
    const topic = topics.deliveriesDeadLetter('ios')
    // 45 days of rows, less 21 of horizon and 6 of life.
    assert.deepEqual(breaches({ [topic]: 18 * day }), [])
    assert.deepEqual(breaches({ [topic]: 19 * day }), [
      { topic, actualMs: 19 * day, limitMs: 18 * day, kind: 'too_long' },
    ])
    assert.equal(breaches({ [topic]: Infinity }).length, 1)
  })

  test('has nothing to say about topics that are not there', () => {
    assert.deepEqual(
      retentionBreaches(topics, () => undefined),
      [],
    )
  })
})
