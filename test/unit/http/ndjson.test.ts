import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { bodyLines, type BodyLine, type BodyLimits } from '../../../src/http/ndjson.ts'

const generous = { lineBytesMax: 1_000, bodyBytesMax: 100_000 }

async function linesOf(chunks: readonly Uint8Array[], limits: BodyLimits = generous): Promise<BodyLine[]> {
  const body = (async function* () {
    yield* chunks
  })()
  return Array.fromAsync(bodyLines(body, limits))
}

const bytes = (text: string) => Buffer.from(text)

describe('the lines of a body', () => {
  test('are numbered as an editor numbers them, blank ones left out, whatever ends them', async () => {
    assert.deepEqual(await linesOf([bytes('\ufeffone\r\n\n  \ntwo\nthree')]), [
      { kind: 'line', number: 1, text: 'one' },
      { kind: 'line', number: 4, text: 'two' },
      { kind: 'line', number: 5, text: 'three' },
    ])
    assert.deepEqual(await linesOf([]), [])
    assert.deepEqual(await linesOf([bytes('\n')]), [])
  })

  test('are the same however the network cuts the body, within characters too', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary', maxLength: 20 })),
        fc.array(fc.nat({ max: 40 })),
        async (texts, cuts) => {
          const whole = bytes(texts.join('\n').toWellFormed())
          const chunks: Uint8Array[] = []
          let start = 0
          for (const length of cuts) {
            chunks.push(whole.subarray(start, start + length))
            start += length
          }
          chunks.push(whole.subarray(start))
          assert.deepEqual(await linesOf(chunks), await linesOf([whole]))
        },
      ),
    )
  })

  test('that are too long or no UTF-8 are told and hurt no others', async () => {
    const limits = { ...generous, lineBytesMax: 4 }
    const chunks = [bytes('abcd\nabc'), bytes('de'), bytes('f\n'), Buffer.of(0xff, 0x0a), bytes('last')]
    assert.deepEqual(await linesOf(chunks, limits), [
      { kind: 'line', number: 1, text: 'abcd' },
      { kind: 'too_long', number: 2 },
      { kind: 'not_utf8', number: 3 },
      { kind: 'line', number: 4, text: 'last' },
    ])
  })

  test('end with a body that is over its limit', async () => {
    const told = await linesOf([bytes('one\n'), bytes('two\n'), bytes('three\n')], { ...generous, bodyBytesMax: 8 })
    assert.deepEqual(told.at(-1), { kind: 'too_large' })
    assert.equal(told.length, 3)
  })

  test('of a body that breaks off end with that, and the half line is not one', async () => {
    const body = (async function* () {
      yield bytes('one\ntw')
      throw new Error('aborted')
    })()
    assert.deepEqual(await Array.fromAsync(bodyLines(body, generous)), [
      { kind: 'line', number: 1, text: 'one' },
      { kind: 'broken_off' },
    ])
  })
})
