import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { retryRungs, topicNames } from '../../../src/domain/topic-names.ts'

describe('the topics', () => {
  test('are these, each once', () => {
    const names = topicNames().all()
    assert.equal(new Set(names).size, names.length)
    assert.deepEqual([...names].toSorted(), [
      'notifications.android.bulk',
      'notifications.android.dlq',
      'notifications.android.transactional',
      'notifications.delivery-status',
      'notifications.email.bulk',
      'notifications.email.dlq',
      'notifications.email.transactional',
      'notifications.ios.bulk',
      'notifications.ios.dlq',
      'notifications.ios.transactional',
      'notifications.provider-feedback',
      'notifications.provider-feedback.dlq',
      'notifications.requested.bulk',
      'notifications.requested.dlq',
      'notifications.requested.transactional',
      'notifications.retry.bulk.10m',
      'notifications.retry.bulk.10s',
      'notifications.retry.bulk.1h',
      'notifications.retry.bulk.1m',
      'notifications.retry.dlq',
      'notifications.retry.transactional.10m',
      'notifications.retry.transactional.10s',
      'notifications.retry.transactional.1h',
      'notifications.retry.transactional.1m',
      'notifications.sms.bulk',
      'notifications.sms.dlq',
      'notifications.sms.transactional',
      'users.changed',
      'users.changed.dlq',
    ])
  })

  test('are named with dots and hyphens only: Kafka takes a dot and an underscore for the same in its metrics', () => {
    for (const name of topicNames('test-1.').all()) assert.match(name, /^[a-z0-9.-]+$/)
  })

  test('carry the prefix, and so do the groups', () => {
    const topics = topicNames('test-1.')
    for (const name of topics.all()) assert.ok(name.startsWith('test-1.'), name)
    assert.equal(topics.group('sender', 'sms', 'bulk'), 'test-1.fanfare.sender.sms.bulk')
    assert.equal(topicNames().group('router', 'bulk'), 'fanfare.router.bulk')
  })

  test('are found by what they hold', () => {
    const topics = topicNames()
    assert.equal(topics.requested('bulk'), 'notifications.requested.bulk')
    assert.equal(topics.deliveries('ios', 'transactional'), 'notifications.ios.transactional')
    assert.equal(topics.deliveriesDeadLetter('sms'), 'notifications.sms.dlq')
    assert.equal(topics.retry('bulk', '10m'), 'notifications.retry.bulk.10m')
  })

  test('hold the rungs of the ladder in rising order', () => {
    const delays = retryRungs.map(({ delayMs }) => delayMs)
    assert.deepEqual(delays, [10_000, 60_000, 600_000, 3_600_000])
  })
})
