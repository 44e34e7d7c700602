import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configurationTable, documentedTable } from './configuration-table.ts'

test('docs/configuration.md lists every variable as the program knows it', () => {
  assert.equal(documentedTable(), configurationTable(), 'run: node test/unit/configuration/configuration-table.ts')
})
