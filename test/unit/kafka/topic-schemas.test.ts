import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { topicNames } from '../../../src/domain/topic-names.ts'
import { subjectOf, topicSchemas } from '../../../src/kafka/topic-schemas.ts'

const names = topicNames()
const schemas = topicSchemas(names)

describe('the schemas of the topics', () => {
  test('cover every topic but the dead letters, which hold whatever came', () => {
    assert.deepEqual(
      new Set(schemas.map(({ topic }) => topic)),
      new Set(names.all().filter((topic) => !topic.endsWith('.dlq'))),
    )
  })

  test('have a subject each, named after the record only where two records share a topic', () => {
    assert.equal(new Set(schemas.map(({ subject }) => subject)).size, schemas.length)
    assert.equal(
      subjectOf(names.requested('bulk'), 'NotificationCancelled'),
      'notifications.requested.bulk-fanfare.v1.NotificationCancelled',
    )
    assert.equal(subjectOf(names.retry('bulk', '1h'), 'DeliveryCommand'), 'notifications.retry.bulk.1h-value')
  })

  test('are FULL_TRANSITIVE exactly on the public topics', () => {
    const isPublic = (topic: string) =>
      [
        ...['transactional', 'bulk'].map((lane) => `notifications.requested.${lane}`),
        names.deliveryStatus,
        names.usersChanged,
      ].includes(topic)
    for (const { topic, compatibility } of schemas) {
      assert.equal(compatibility, isPublic(topic) ? 'FULL_TRANSITIVE' : 'BACKWARD', topic)
    }
  })
})
