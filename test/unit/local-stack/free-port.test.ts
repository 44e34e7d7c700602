import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { portRange } from '../../../src/local/stack/free-port.ts'

describe('the range of ports for the stack', () => {
  test('lies below the source ports of clients', () => {
    assert.deepEqual(portRange('32768\t60999\n'), { lowest: 20_000, highest: 32_767 })
  })

  test('lies above them where they begin low', () => {
    assert.deepEqual(portRange('1024\t60999\n'), { lowest: 61_000, highest: 65_535 })
  })

  test('overlaps them only where they leave no room', () => {
    assert.deepEqual(portRange('1024\t65535\n'), { lowest: 20_000, highest: 65_535 })
  })
})
