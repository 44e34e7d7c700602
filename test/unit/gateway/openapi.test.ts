import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { before, describe, test } from 'node:test'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { readOpenApiDocument, type OpenApiDocument } from '../../support/openapi-document.ts'

const file = new URL('../../../docs/openapi.json', import.meta.url)

describe('the OpenAPI document', () => {
  let document: OpenApiDocument
  let text: string

  before(async () => {
    document = await readOpenApiDocument()
    text = `${JSON.stringify(document, null, 2)}\n`
    if (process.env['UPDATE_OPENAPI'] === '1') writeFileSync(file, text)
  })

  test('is the one in docs/; UPDATE_OPENAPI=1 writes it', () => {
    assert.equal(text, readFileSync(file, 'utf8'), 'run this test with UPDATE_OPENAPI=1')
  })

  test('passes the recommended rules of a linter', async () => {
    const config = await createConfig({ extends: ['recommended'] })
    const problems = await lintFromString({ source: text, absoluteRef: 'openapi.json', config })
    const found = problems.map(
      ({ ruleId, severity, message, location }) => `${severity} ${ruleId} at ${location[0]?.pointer}: ${message}`,
    )
    assert.deepEqual(found, [])
  })

  test('says of every operation what it does, what it answers and how it refuses', () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
    )
    assert.ok(operations.length >= 4)
    for (const { name, operation } of operations) {
      const { operationId, summary, tags, responses } = operation
      assert.ok(operationId && summary && tags.length === 1, name)
      const statuses = Object.keys(responses)
      assert.ok(
        statuses.some((status) => status.startsWith('2')),
        name,
      )
      for (const status of ['400', '401', '403', '429', '500', '503']) {
        assert.ok(responses[status]?.content?.['application/problem+json'] !== undefined, `${name} ${status}`)
      }
    }
    const ids = operations.map(({ operation }) => operation.operationId)
    assert.equal(new Set(ids).size, ids.length, 'operation ids are unique')
  })
})
