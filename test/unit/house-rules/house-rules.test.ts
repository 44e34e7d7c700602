import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { describe, test } from 'node:test'
import {
  banBreaches,
  barrelBreaches,
  nameBreaches,
  openingBreaches,
  sizeBreaches,
  unusedPackages,
} from './conventions.ts'
import { importCycles, layerBreaches } from './layers.ts'
import { readSourceTree, sourceFile, type SourceFile } from './source-tree.ts'

const root = resolve(import.meta.dirname, '../../..')
const source = readSourceTree(root, 'src')
// The rules quote what they forbid.
const tests = readSourceTree(root, 'test').filter(({ path }) => !path.startsWith('test/unit/house-rules/'))
const benches = readSourceTree(root, 'bench')
const examples = readSourceTree(root, 'examples')
const all = [...source, ...tests, ...benches, ...examples]

function assertNone(breaches: readonly string[]) {
  assert.equal(breaches.length, 0, `\n${breaches.join('\n')}`)
}

describe('the house rules', () => {
  test('every import follows the dependency rule', () => assertNone(layerBreaches(source)))
  test('no file imports itself over others', () => assertNone(importCycles(all)))
  test('there are no barrels', () => assertNone(barrelBreaches(all)))
  test('every name says what is inside', () => assertNone(nameBreaches(all)))
  test('no file is longer than one concept', () => assertNone(sizeBreaches(all)))
  test('every source file opens with what it owns', () =>
    assertNone(openingBreaches([...source, ...benches, ...examples])))
  test('clock, randomness, environment and idempotent producers stay where they belong', () =>
    assertNone(banBreaches(all)))
  test('every package that the project is built on is in use', () => assertNone(unusedPackages(source)))
})

describe('each house rule', () => {
  const opened = '/** What it owns. */\n'
  const breach = (rule: (files: SourceFile[]) => string[], files: Record<string, string>) =>
    rule(Object.entries(files).map(([path, text]) => sourceFile(path, text)))

  const forbidden: Record<string, [string, string]> = {
    'an adapter in the domain': ['src/domain/a.ts', `import { b } from '../kafka/b.ts'`],
    'a package in the domain': ['src/domain/a.ts', `import { z } from 'zod'`],
    'a type from Node in the domain': ['src/domain/a.ts', `import type { Server } from 'node:http'`],
    'an adapter in a service': ['src/services/router/a.ts', `import type { B } from '../../postgres/b.ts'`],
    'a client in a service': ['src/services/router/a.ts', `import { Pool } from 'pg'`],
    'an adapter in an adapter': ['src/redis/a.ts', `import { b } from '../postgres/b.ts'`],
    'a service in a provider': ['src/providers/fcm/a.ts', `import {\n  b,\n} from '../../services/sender/b.ts'`],
    'a vendor in a vendor': ['src/providers/fcm/a.ts', `import { b } from '../apns/b.ts'`],
    'the stack in a provider': ['src/providers/fcm/a.ts', `const b = await import('../../local/b.ts')`],
    'a provider in the simulator': ['src/local/simulator/a.ts', `import { b } from '../../providers/apns/b.ts'`],
    'a second door to kafkajs': ['src/roles/a.ts', `import { Kafka } from 'kafkajs'`],
    'a required second door': ['src/kafka/a.ts', `require('kafkajs')`],
    'a re-export past a door': ['src/cli/a.ts', `export { Pool } from 'pg'`],
    'more of a provider in the configuration': ['src/config.ts', `import { b } from './providers/apns/client.ts'`],
    'a command in a role': ['src/roles/a.ts', `import { b } from '../cli/b.ts'`],
    'a folder without a rule': ['src/things/a.ts', ''],
  }
  for (const [name, [path, text]] of Object.entries(forbidden)) {
    test(`finds ${name}`, () => assert.equal(breach(layerBreaches, { [path]: text }).length, 1))
  }

  test('lets through what the dependency rule allows', () => {
    const allowed = {
      'src/domain/a.ts': `import { DateTime } from 'luxon'\nimport { b } from './b.ts'\n// import { c } from '../kafka/c.ts'`,
      'src/services/router/a.ts': `import { b } from '../../domain/b.ts'\nimport { Liquid } from 'liquidjs'`,
      'src/kafka/a.ts': `import type { Kafka } from 'kafkajs'\nimport { type Producer } from 'kafkajs'`,
      'src/kafka/kafkajs.ts': `export { Kafka } from 'kafkajs'`,
      'src/providers/fcm/a.ts': `import { b } from '../call-deadline.ts'\nimport admin from 'firebase-admin/app'`,
      'src/config.ts': `import { b } from './providers/apns/config.ts'\nimport { c } from './configuration/c.ts'`,
      'src/main.ts': `const a = await import('./roles/a.ts')`,
    }
    assert.deepEqual(breach(layerBreaches, allowed), [])
  })

  test('finds a cycle, and takes a diamond for none', () => {
    const cycle = { 'src/a.ts': `import './b.ts'`, 'src/b.ts': `import './c.ts'`, 'src/c.ts': `import './a.ts'` }
    assert.deepEqual(breach(importCycles, cycle), ['src/a.ts → src/b.ts → src/c.ts → src/a.ts'])
    const diamond = { 'src/a.ts': `import './b.ts'\nimport './c.ts'`, 'src/b.ts': `import './c.ts'`, 'src/c.ts': '' }
    assert.deepEqual(breach(importCycles, diamond), [])
  })

  test('finds barrels, empty names, long files and a missing opening', () => {
    assert.equal(breach(barrelBreaches, { 'src/kafka/index.ts': '', 'src/all.ts': `export * from './a.ts'` }).length, 2)
    assert.equal(breach(nameBreaches, { 'src/utils/a.ts': '', 'src/kafka/topic-manager.ts': '' }).length, 2)
    assert.equal(breach(sizeBreaches, { 'src/a.ts': '\n'.repeat(401), 'src/b.ts': '\n'.repeat(400) }).length, 1)
    assert.equal(breach(openingBreaches, { 'src/a.ts': 'const a = 1', 'src/b.ts': opened }).length, 1)
  })

  test('finds clocks and randomness in the domain, and the environment and idempotent producers anywhere', () => {
    for (const call of ['Date.now()', 'new Date()', 'Math.random()', 'process.hrtime()', 'setTimeout(f, 1)']) {
      assert.equal(breach(banBreaches, { 'src/domain/a.ts': call }).length, 1, call)
      assert.equal(breach(banBreaches, { 'src/kafka/a.ts': call }).length, 0, call)
    }
    assert.equal(
      breach(banBreaches, { 'src/roles/a.ts': `process.env['A']`, 'src/config.ts': `process.env` }).length,
      1,
    )
    assert.equal(breach(banBreaches, { 'test/contract/a.ts': 'producer({ idempotent: true })' }).length, 1)
    assert.equal(breach(banBreaches, { 'src/domain/a.ts': '/** Date.now() would be wrong here. */' }).length, 0)
  })

  test('does not count a package that only types come from', () => {
    assert.ok(breach(unusedPackages, { 'src/a.ts': `import type { Knex } from 'knex'` }).join().includes('knex'))
    assert.ok(!breach(unusedPackages, { 'src/a.ts': `import knex from 'knex'` }).join().includes('knex'))
  })
})
