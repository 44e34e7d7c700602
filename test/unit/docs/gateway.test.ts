import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { z } from 'zod'
import type { RefusalKind } from '../../../src/domain/refusal.ts'
import { requestBytes } from '../../../src/domain/request-validation.ts'
import { statusOf } from '../../../src/http/problem.ts'
import { appScopes } from '../../../src/domain/app.ts'
import { failures } from '../../../src/services/gateway/authentication.ts'
import { batchBytesMax } from '../../../src/services/gateway/notification-routes.ts'
import { batchMax } from '../../../src/services/gateway/notification-schemas.ts'
import type { JsonSchema, OpenApiDocument } from '../../support/openapi-document.ts'
import { codeBlocks, codeLines, firstWords, readDocument, root, section, tableRows } from './markdown.ts'

const document = readDocument('docs/gateway.md')
const openapi = JSON.parse(readFileSync(join(root, 'docs/openapi.json'), 'utf8')) as OpenApiDocument

interface Curl {
  line: string
  method: string
  path: string
  query: string[]
  headers: string[]
  body: unknown
}

const curls = codeLines(document, 'sh')
  .filter((line) => line.startsWith('curl '))
  .map(readCurl)

function readCurl(line: string): Curl {
  const url = new URL(/http:\/\/[^\s']+/.exec(line)?.[0] ?? assert.fail(`no URL: ${line}`))
  const data = /--data '([^']+)'/.exec(line)?.[1]
  return {
    line,
    method: /--request (\w+)/.exec(line)?.[1]?.toLowerCase() ?? (data === undefined ? 'get' : 'post'),
    path: url.pathname,
    query: [...url.searchParams.keys()],
    headers: [...line.matchAll(/--header '([a-z-]+):/g)].map(([, name = '']) => name),
    body: data === undefined ? undefined : (JSON.parse(data) as unknown),
  }
}

function operationOf({ method, path }: Curl) {
  const [, operations] =
    Object.entries(openapi.paths).find(([template]) =>
      new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
    ) ?? []
  return operations?.[method]
}

function fits(value: unknown, schema: JsonSchema): boolean {
  const text = JSON.stringify({ ...schema, $defs: openapi.components.schemas })
    .replaceAll('#/components/schemas/', '#/$defs/')
    // zod reads patterns without the flag by which these are classes of Unicode.
    .replaceAll('\\\\p{L}\\\\p{N}', 'A-Za-z0-9')
  const whole = JSON.parse(text) as Parameters<typeof z.fromJSONSchema>[0]
  return z.fromJSONSchema(whole).safeParse(value).success
}

describe('docs/gateway.md', () => {
  test('calls what there is, with parameters, headers and bodies as it takes them', () => {
    assert.ok(curls.length >= 6)
    for (const curl of curls) {
      const operation = operationOf(curl)
      assert.ok(operation !== undefined, `there is no ${curl.method} ${curl.path}`)
      const { parameters = [], requestBody } = operation
      const named = (place: string) => parameters.filter((each) => each.in === place).map(({ name }) => name)
      assert.ok(new Set(curl.query).isSubsetOf(new Set(named('query'))), curl.line)
      const own = curl.headers.filter((name) => name !== 'content-type')
      assert.ok(new Set(own).isSubsetOf(new Set(named('header'))), curl.line)
      const schema = requestBody?.content['application/json']?.schema
      assert.equal(curl.body !== undefined, schema !== undefined, curl.line)
      if (schema !== undefined) assert.ok(fits(curl.body, schema), curl.line)
    }
  })

  test('shows answers as the document has them', () => {
    const [sent, refused] = codeBlocks(document)
      .filter(({ language }) => language === 'json')
      .map(({ code }) => JSON.parse(code) as unknown)
    assert.ok(fits(sent, { $ref: '#/components/schemas/SendAnswer' }))
    assert.ok(fits(refused, { $ref: '#/components/schemas/Problem' }))
  })

  test('names every scope and every refusal with its status', () => {
    assert.deepEqual(firstWords(section(document, '## Credentials')), [...appScopes])
    const kinds = tableRows(section(document, '## Refusals')).map(([kind = '', status]) => [
      kind.replaceAll('`', ''),
      status,
    ])
    const all: Record<RefusalKind, true> = {
      invalid: true,
      unauthenticated: true,
      forbidden: true,
      not_found: true,
      conflict: true,
      gone: true,
      too_large: true,
      unsupported_media_type: true,
      key_reused: true,
      rate_limited: true,
      unavailable: true,
    }
    const expected = Object.keys(all).map((kind) => [kind, String(statusOf(kind as RefusalKind))])
    assert.deepEqual(kinds, expected)
  })

  test('states the limits that the code has', () => {
    const { text } = document
    assert.ok(text.includes(`Up to ${batchMax} come in one request of at most ${batchBytesMax / 1024 ** 2} MiB`))
    assert.ok(text.includes(`After ${failures.max} calls with wrong credentials within a minute`))
    assert.equal(failures.windowMs, 60_000)
    assert.ok(text.includes(`at most ${requestBytes / 1024} KiB, as on Kafka`))
  })
})
