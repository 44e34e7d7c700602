/**
 * Requests by chance against the operations of the OpenAPI document: about half of them as the document has them, the
 * others with something wrong, from a wrong field to bytes that are no JSON.
 */
import fc from 'fast-check'
import type { ExampleRequest } from './gateway-examples/example.ts'
import type { Operation } from './openapi-document.ts'
import { arbitraryOf, hostileText, type ArbitraryContext } from './schema-arbitrary.ts'

export interface FuzzedOperation {
  method: string
  path: string
  operation: Operation
}

export interface FuzzedRequest extends FuzzedOperation {
  request: ExampleRequest
  /** As the document has it. */
  isMeantWell: boolean
}

export function fuzzedRequest(target: FuzzedOperation, context: ArbitraryContext): fc.Arbitrary<FuzzedRequest> {
  const wellMeant = requestOf(target.operation, context)
  return fc.oneof(
    { weight: 3, arbitrary: wellMeant.map((request) => ({ ...target, request, isMeantWell: true })) },
    {
      weight: 2,
      arbitrary: spoiled(wellMeant, target.operation).map((request) => ({ ...target, request, isMeantWell: false })),
    },
  )
}

function requestOf(
  { parameters = [], requestBody }: Operation,
  context: ArbitraryContext,
): fc.Arbitrary<ExampleRequest> {
  const ofPlace = (place: string) => {
    const own = parameters.filter((each) => each.in === place)
    const fields = own.map(({ name, schema }) => [name, arbitraryOf(schema, context, name).map(asText)] as const)
    const requiredKeys = own
      .filter(({ required, in: where }) => required === true || where === 'path')
      .map(({ name }) => name)
    return fc.record(Object.fromEntries(fields), { requiredKeys, noNullPrototype: true })
  }
  return fc.record({
    params: ofPlace('path'),
    query: ofPlace('query'),
    headers: ofPlace('header'),
    ...bodyOf(requestBody, context),
  })
}

/** A path, a query and a header carry well-formed text and nothing else. */
function asText(value: unknown): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed()
}

function bodyOf(
  body: Operation['requestBody'],
  context: ArbitraryContext,
): { json?: fc.Arbitrary<unknown>; raw?: fc.Arbitrary<ExampleRequest['raw']> } {
  const [declared] = Object.entries(body?.content ?? {})
  if (declared === undefined) return {}
  const [contentType, { schema }] = declared
  if (contentType === 'application/json') return { json: arbitraryOf(schema, context) }
  // Lines of JSON, as an import takes them.
  const lines = fc.array(arbitraryOf(schema, context), { minLength: 1, maxLength: 4 })
  return {
    raw: lines.map((values) => ({ contentType, body: values.map((value) => `${JSON.stringify(value)}\n`).join('') })),
  }
}

type Spoil = (request: ExampleRequest) => ExampleRequest

function spoiled(wellMeant: fc.Arbitrary<ExampleRequest>, { requestBody }: Operation): fc.Arbitrary<ExampleRequest> {
  const inText: fc.Arbitrary<Spoil>[] = [
    hostileText.map((text) => ({ query, ...rest }) => ({
      ...rest,
      query: { ...query, [queryName(text)]: text.toWellFormed() },
    })),
    hostileText.map((text) => ({ params, ...rest }) => ({ ...rest, params: mapped(params, text.toWellFormed()) })),
    hostileText.map((text) => ({ query, ...rest }) => ({ ...rest, query: mapped(query, text.toWellFormed()) })),
  ]
  const inBody: fc.Arbitrary<Spoil>[] = [
    fc.tuple(fc.nat(), anything).map(([at, value]) => (request) => ({
      ...request,
      ...spoiledBody(request, at, value),
    })),
    fc.tuple(hostileText, anything).map(
      ([name, value]) =>
        (request) =>
          withField(request, name, value),
    ),
    rawBody.map((raw) => (request) => ({ ...request, json: undefined, raw })),
    fc.constant((request) => ({ ...request, json: undefined, raw: undefined })),
  ]
  // A GET with a body is nothing that a client can send.
  const spoilings = requestBody === undefined ? inText : [...inText, ...inBody]
  return fc.tuple(wellMeant, fc.oneof(...spoilings)).map(([request, spoil]) => spoil(request))
}

const anything: fc.Arbitrary<unknown> = fc.oneof(hostileText, fc.jsonValue({ maxDepth: 3 }), fc.constant(1e308))

const rawBody: fc.Arbitrary<NonNullable<ExampleRequest['raw']>> = fc.record({
  contentType: fc.constantFrom(
    'application/json',
    'application/json; charset=utf-7',
    'text/plain',
    'application/x-ndjson',
    'multipart/form-data; boundary=x',
  ),
  body: fc.oneof(
    hostileText,
    fc.string({ maxLength: 200 }),
    fc.constantFrom(
      '[',
      '{"a":',
      'null',
      '1e999',
      '[]',
      '{"__proto__":{"admin":true}}',
      '[['.repeat(5_000),
      '"\\ud800"',
    ),
    fc.integer({ min: 1, max: 5_000 }).map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
  ),
})

function queryName(text: string): string {
  return text === '' ? 'no-such' : text.toWellFormed()
}

function mapped(values: Readonly<Record<string, string>> = {}, text: string): Record<string, string> {
  return Object.fromEntries(Object.keys(values).map((name) => [name, text]))
}

/** One of its values, however deep, is another one, or gone. */
function spoiledBody({ json }: ExampleRequest, at: number, value: unknown): Pick<ExampleRequest, 'json'> {
  if (typeof json !== 'object' || json === null) return { json: value }
  const copy = structuredClone(json) as Record<string, unknown>
  const places: [Record<string, unknown>, string][] = []
  collect(copy, places)
  const place = places[at % Math.max(1, places.length)]
  if (place === undefined) return { json: value }
  const [holder, name] = place
  if (at % 3 === 0) delete holder[name]
  else holder[name] = value
  return { json: copy }
}

function collect(holder: Record<string, unknown>, places: [Record<string, unknown>, string][]): void {
  for (const [name, value] of Object.entries(holder)) {
    places.push([holder, name])
    if (typeof value === 'object' && value !== null) collect(value as Record<string, unknown>, places)
  }
}

function withField(request: ExampleRequest, name: string, value: unknown): ExampleRequest {
  const { json } = request
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return { ...request, json: { [name]: value } }
  return { ...request, json: { ...json, [name]: value } }
}
