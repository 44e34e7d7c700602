import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createConsumerMetrics } from '../../../src/telemetry/consumer-metrics.ts'
import { createDeliveryMetrics } from '../../../src/telemetry/delivery-metrics.ts'
import { createRegistry } from '../../../src/telemetry/metrics.ts'

describe('the metrics', () => {
  test('carry the prefix, base units and a help text, and say what runs', async () => {
    const registry = createRegistry({ role: 'router', version: '1.2.3' })
    createConsumerMetrics(registry)
    createDeliveryMetrics(registry)
    const metrics = await registry.getMetricsAsJSON()
    for (const { name, help, type } of metrics) {
      assert.match(name, /^fanfare_[a-z0-9_]+$/)
      assert.notEqual(help, '', `${name} has no help text`)
      if (String(type) === 'counter') assert.match(name, /_total$/)
      if (String(type) === 'histogram') assert.match(name, /_seconds$/)
    }
    const text = await registry.metrics()
    assert.match(text, /fanfare_build_info\{role="router",version="1\.2\.3",node_version="v\d+\.[\d.]+"\} 1/)
    assert.match(text, /fanfare_process_resident_memory_bytes \d+/)
  })

  test('of two registries do not meet', async () => {
    const [one, other] = ['router', 'sender'].map((role) => createRegistry({ role, version: '1' }))
    createConsumerMetrics(one!).rebalances.inc({ group: 'fanfare.router' })
    const others = createConsumerMetrics(other!)
    assert.deepEqual((await others.rebalances.get()).values, [])
  })

  test('refuse a label that was not declared, so that no id slips in', () => {
    const { rebalances } = createConsumerMetrics(createRegistry({ role: 'router', version: '1' }))
    // @ts-expect-error: the type refuses it first.
    assert.throws(() => rebalances.inc({ notificationId: 'x' }))
  })
})
