import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uuidV7 } from '../../../src/domain/uuid-v7.ts'

test('a UUIDv7 carries its time and its random bits (RFC 9562, appendix A.6)', () => {
  const random = Buffer.from('0cc318c4dc0c0c07398f', 'hex')
  assert.equal(uuidV7(0x017f22e279b0, random), '017f22e2-79b0-7cc3-98c4-dc0c0c07398f')
})

test('UUIDv7s sort by their time', () => {
  const random = Buffer.alloc(10, 0xff)
  const times = [1, 255, 256, 1_763_780_000_000, 1_763_780_000_001]
  const ids = times.map((time) => uuidV7(time, random))
  assert.deepEqual(ids.toSorted(), ids)
})
