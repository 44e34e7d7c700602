import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import { boundedPublish, publishLimitMs, publishesMax } from '../../../src/services/gateway/bounded-publish.ts'

describe('publishing while somebody waits', () => {
  test('refuses more than wait at once, until some are done', async () => {
    const waiting: (() => void)[] = []
    const publish = boundedPublish(() => new Promise((resolve) => waiting.push(resolve)))
    const under = Array.from({ length: publishesMax }, () => publish([]))
    await assert.rejects(publish([]), DependencyUnavailable)
    for (const done of waiting.splice(0)) done()
    await Promise.all(under)
    const again = publish([])
    waiting[0]?.()
    await again
  })

  test('waits no longer than its limit, and counts what goes on all the same', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const never = Promise.withResolvers<void>()
    const publish = boundedPublish(() => never.promise)
    const given = publish([])
    t.mock.timers.tick(publishLimitMs)
    await assert.rejects(given, { dependency: 'kafka', code: 'PUBLISH_LIMIT' })
    // Nobody waits for it any more, and its failure is nobody's.
    never.reject(new Error('too late'))
  })
})
