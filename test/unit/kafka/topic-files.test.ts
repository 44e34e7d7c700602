import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { lowerReplicas, parseTopicFile } from '../../../src/kafka/topic-files.ts'

const valid = `
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  name: notifications.sms.bulk
  labels:
    strimzi.io/cluster: fanfare
spec:
  partitions: 12
  replicas: 3
  config:
    retention.ms: 604800000
    min.insync.replicas: 2
    max.message.bytes: 1048588
`

describe('a topic file', () => {
  test('becomes a definition whose configuration is text, as Kafka takes it', () => {
    assert.deepEqual(parseTopicFile('notifications.sms.bulk', valid), {
      name: 'notifications.sms.bulk',
      partitions: 12,
      replicas: 3,
      config: { 'retention.ms': '604800000', 'min.insync.replicas': '2', 'max.message.bytes': '1048588' },
    })
  })

  const faults: Record<string, { from: string; to: string; named: RegExp }> = {
    'a misspelt key': { from: 'retention.ms', to: 'retention.msec', named: /retention\.msec/ },
    'an unknown field of the resource': { from: 'partitions:', to: 'topicName: x\n  partitions:', named: /topicName/ },
    'no partitions': { from: 'partitions: 12', to: 'partitions: 0', named: /partitions/ },
    'a number in quotes': { from: 'replicas: 3', to: 'replicas: "3"', named: /replicas/ },
    'more in-sync replicas than replicas': {
      from: 'min.insync.replicas: 2',
      to: 'min.insync.replicas: 4',
      named: /must not exceed replicas/,
    },
    'a name that Kubernetes refuses': { from: 'notifications.sms', to: 'notifications_sms', named: /name/ },
    'another resource': { from: 'kind: KafkaTopic', to: 'kind: KafkaUser', named: /kind/ },
  }
  for (const [fault, { from, to, named }] of Object.entries(faults)) {
    test(`with ${fault} is refused, file and fault named`, () => {
      assert.ok(valid.includes(from))
      const parse = () => parseTopicFile('notifications.sms.bulk', valid.replace(from, to))
      assert.throws(parse, { message: named })
      assert.throws(parse, { message: /topics\/notifications\.sms\.bulk\.yaml/ })
    })
  }

  test('must bear the name of its topic', () => {
    assert.throws(() => parseTopicFile('notifications.sms.dlq', valid), { message: /notifications\.sms\.bulk/ })
  })
})

describe('lowering the replication factor', () => {
  const definition = parseTopicFile('notifications.sms.bulk', valid)
  const lowered = (replicas: number) => {
    const { replicas: copies, config } = lowerReplicas(definition, replicas)
    return [copies, config['min.insync.replicas'], config['retention.ms']]
  }

  test('to one broker needs just that one in sync', () => {
    assert.deepEqual(lowered(1), [1, '1', '604800000'])
  })

  test('to two lets one of them be away', () => {
    assert.deepEqual(lowered(2), [2, '1', '604800000'])
  })

  test('never raises it', () => {
    assert.deepEqual(lowered(3), [3, '2', '604800000'])
    assert.deepEqual(lowered(5), [3, '2', '604800000'])
  })
})
