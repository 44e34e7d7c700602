import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { readBasicCredentials } from '../../../src/http/basic-credentials.ts'
import type { KnownApp } from '../../../src/services/gateway/app-directory.ts'
import { authenticate } from '../../../src/services/gateway/authentication.ts'

const nowMs = 1_000_000
const hashOf = (secret: string) => createHash('sha256').update(secret).digest()
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

function anApp(secrets: KnownApp['secrets']): KnownApp {
  return { appKey: 'shop', scopes: [], categories: null, channels: null, rateLimitPerSecond: 1, secrets }
}

async function verdict(header: string | undefined, known: KnownApp | undefined, anew = known): Promise<string> {
  const apps = { find: () => Promise.resolve(known), findAnew: () => Promise.resolve(anew) }
  return (await authenticate(header, { apps, now: () => nowMs })).kind
}

describe('credentials', () => {
  const one = { hash: hashOf('one'), expiresAtMs: null }
  const two = { hash: hashOf('two'), expiresAtMs: nowMs + 1 }

  test('are right with any secret that has not ended', async () => {
    assert.equal(await verdict(basic('shop:one'), anApp([one])), 'accepted')
    assert.equal(await verdict(basic('shop:one'), anApp([two, one])), 'accepted')
    assert.equal(await verdict(basic('shop:two'), anApp([two, one])), 'accepted')
    assert.equal(await verdict(basic('shop:two'), anApp([{ ...two, expiresAtMs: nowMs }, one])), 'wrong')
    assert.equal(await verdict(basic('shop:two'), anApp([one])), 'wrong')
    assert.equal(await verdict(basic('shop:one'), anApp([])), 'wrong')
    assert.equal(await verdict(basic('shop:one'), undefined), 'wrong')
  })

  test('are looked up anew before they are refused', async () => {
    assert.equal(await verdict(basic('shop:one'), undefined, anApp([one])), 'accepted')
    assert.equal(await verdict(basic('shop:two'), anApp([one]), anApp([two])), 'accepted')
  })

  test('never match the hash that stands in where there is none', async () => {
    const nothing = { hash: new Uint8Array(32), expiresAtMs: 0 }
    assert.equal(await verdict(basic('shop:'), anApp([nothing])), 'wrong')
    assert.equal(await verdict(basic('shop:'), undefined), 'wrong')
  })

  const headers: Record<string, [string | undefined, { user: string; password: string } | undefined]> = {
    'a key and a secret': [basic('shop:one'), { user: 'shop', password: 'one' }],
    'the scheme in lower case': [basic('shop:one').replace('Basic', 'basic'), { user: 'shop', password: 'one' }],
    'a colon in the secret': [basic('shop:o:ne'), { user: 'shop', password: 'o:ne' }],
    'an empty secret': [basic('shop:'), { user: 'shop', password: '' }],
    'no header': [undefined, undefined],
    'another scheme': ['Bearer abc', undefined],
    'no colon': [basic('shop'), undefined],
    'no key': [basic(':one'), undefined],
    'no base64': ['Basic $$$', undefined],
    'base64 and more': [`${basic('shop:one')} x`, undefined],
    'more than any key and secret': [basic(`shop:${'x'.repeat(1_000)}`), undefined],
  }
  for (const [what, [header, expected]] of Object.entries(headers)) {
    test(`are read from ${what}`, () => assert.deepEqual(readBasicCredentials(header), expected))
  }
})
