import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compareTopics, isRepairable } from '../../../src/kafka/topic-drift.ts'
import type { TopicDefinition } from '../../../src/kafka/topic-files.ts'

function aTopic(given: Partial<TopicDefinition> = {}): TopicDefinition {
  return { name: 'letters', partitions: 12, replicas: 3, config: { 'retention.ms': '1000' }, ...given }
}

describe('comparing topics', () => {
  test('finds nothing between equals, whatever else the cluster holds', () => {
    assert.deepEqual(compareTopics([aTopic()], [aTopic(), aTopic({ name: 'somebody-elses' })]), [])
  })

  test('tells a missing topic by that alone', () => {
    assert.deepEqual(compareTopics([aTopic()], []), [{ kind: 'missing', topic: 'letters' }])
  })

  test('tells every difference with both sides', () => {
    const actual = aTopic({ partitions: 6, replicas: 1, config: { 'retention.ms': '5', 'segment.ms': '7' } })
    const wanted = aTopic({ config: { 'retention.ms': '1000', 'cleanup.policy': 'compact' } })
    assert.deepEqual(compareTopics([wanted], [actual]), [
      { kind: 'partitions', topic: 'letters', expected: 12, actual: 6 },
      { kind: 'replicas', topic: 'letters', expected: 3, actual: 1 },
      { kind: 'config', topic: 'letters', key: 'retention.ms', expected: '1000', actual: '5' },
      { kind: 'config', topic: 'letters', key: 'cleanup.policy', expected: 'compact', actual: undefined },
      { kind: 'config', topic: 'letters', key: 'segment.ms', expected: undefined, actual: '7' },
    ])
  })

  test('never calls the loss of partitions or a reassignment a repair', () => {
    assert.equal(isRepairable({ kind: 'partitions', topic: 'letters', expected: 12, actual: 6 }), true)
    assert.equal(isRepairable({ kind: 'partitions', topic: 'letters', expected: 12, actual: 24 }), false)
    assert.equal(isRepairable({ kind: 'replicas', topic: 'letters', expected: 3, actual: 1 }), false)
  })
})
