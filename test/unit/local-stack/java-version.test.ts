import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseJavaVersion } from '../../../src/local/stack/java.ts'

describe('a Java version', () => {
  const versions: Array<[string, number | undefined]> = [
    ['"17.0.15"', 17],
    ['"25"', 25],
    ['"1.8.0_392"', 8],
    ['openjdk 21.0.4 2024-07-16', 21],
    ['', undefined],
  ]
  for (const [text, majorVersion] of versions) {
    test(`${text === '' ? 'that is not given' : text} reads as ${majorVersion ?? 'unknown'}`, () => {
      assert.equal(parseJavaVersion(text), majorVersion)
    })
  }
})
