/**
 * Values by chance that fit a JSON schema of the OpenAPI document: what a caller may send. Texts that nothing restricts
 * are often hostile: SQL, Liquid, names of prototypes, control characters.
 */
import fc from 'fast-check'
import type { JsonSchema } from './openapi-document.ts'

export interface ArbitraryContext {
  components: Readonly<Record<string, JsonSchema>>
  /** Values that exist, by the name of the field: taken most of the time. */
  known: Readonly<Record<string, readonly unknown[]>>
  nowMs: number
}

/** If a template or a statement ran it, its result would show in an answer. */
export const liquidProduct = '5764801'

const hostileTexts = [
  "'; drop table users; --",
  "' or '1'='1",
  "'||pg_sleep(20)||'",
  '{{ 2401 | times: 2401 }}',
  '{% for i in (1..9999999) %}x{% endfor %}',
  '{% include "/etc/passwd" %}',
  '__proto__',
  'constructor',
  '../../../../etc/passwd',
  '<script>alert(1)</script>',
  'a\r\nx-injected: 1',
  'NUL\u0000in the middle',
  '\u202eright to left',
  '${jndi:ldap://127.0.0.1/a}',
  '가나다🙂'.repeat(20),
  'x'.repeat(2_000),
  '',
] as const

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom<string>(...hostileTexts),
  fc.string({ unit: 'binary', maxLength: 30 }),
)

export function arbitraryOf(schema: JsonSchema, context: ArbitraryContext, name?: string): fc.Arbitrary<unknown> {
  const known = name === undefined ? undefined : context.known[name]
  const made = madeOf(schema, context)
  if (known === undefined || known.length === 0) return made
  return fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: made })
}

function madeOf(schema: JsonSchema, context: ArbitraryContext): fc.Arbitrary<unknown> {
  const { examples, ...described } = schema
  if (examples === undefined) return describedBy(schema, context)
  return fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...examples) },
    { weight: 1, arbitrary: describedBy(described, context) },
  )
}

function describedBy(schema: JsonSchema, context: ArbitraryContext): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) {
    const component = schema.$ref.replace('#/components/schemas/', '')
    const found = context.components[component]
    if (found === undefined) throw new Error(`no component ${component}`)
    return madeOf(found, context)
  }
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  const branches = schema.anyOf ?? schema.oneOf
  if (branches !== undefined) return fc.oneof(...branches.map((branch) => madeOf(branch, context)))
  if (schema.allOf !== undefined) throw new Error('allOf is not known here')
  const types = schema.type === undefined ? [] : [schema.type].flat()
  if (types.length === 0) return fc.jsonValue({ maxDepth: 1 })
  return fc.oneof(...types.map((type) => ofType(type, schema, context)))
}

function ofType(type: string, schema: JsonSchema, context: ArbitraryContext): fc.Arbitrary<unknown> {
  switch (type) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.integer({
        min: Math.max(schema.minimum ?? -1_000, -2_147_483_648),
        max: Math.min(schema.maximum ?? 1_000, 2_147_483_647),
      })
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9, noNaN: true })
    case 'string':
      return textOf(schema, context)
    case 'array':
      return fc.array(schema.items === undefined ? fc.constant(null) : madeOf(schema.items, context), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, Math.max(3, schema.minItems ?? 0)),
      })
    case 'object':
      return objectOf(schema, context)
    default:
      throw new Error(`type ${type} is not known here`)
  }
}

function textOf({ format, pattern, minLength = 0, maxLength = 200 }: JsonSchema, { nowMs }: ArbitraryContext) {
  if (format === 'date-time') {
    return fc.integer({ min: -3_600_000, max: 3_000_000 }).map((offset) => new Date(nowMs + offset).toISOString())
  }
  if (format === 'uuid') return fc.uuid()
  if (format === 'date') return fc.constant(new Date(nowMs).toISOString().slice(0, 10))
  if (format === 'email') return fc.constantFrom('a@example.com', 'b+c@example.org')
  if (pattern !== undefined) return matching(pattern)
  const fits = (text: string) => text.length >= minLength && text.length <= maxLength
  return fc.oneof(fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 20) }), hostileText.filter(fits))
}

/** fast-check makes texts of patterns, but for classes of Unicode. */
function matching(pattern: string): fc.Arbitrary<string> {
  return fc.stringMatching(new RegExp(pattern.replaceAll('\\p{L}', 'A-Za-z가-힣').replaceAll('\\p{N}', '0-9'), 'u'), {
    maxLength: 60,
  })
}

function objectOf(schema: JsonSchema, context: ArbitraryContext): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, arbitraryOf(property, context, name)]),
  )
  const own = fc.record(fields, { requiredKeys: required, noNullPrototype: true })
  if (typeof additionalProperties !== 'object') return own
  const names = schema.propertyNames?.pattern
  const name = names === undefined ? hostileText.filter((text) => !prototypeNames.includes(text)) : matching(names)
  const more = fc.dictionary(name, madeOf(additionalProperties, context), { maxKeys: 3, noNullPrototype: true })
  return fc.tuple(more, own).map(([others, declared]) => ({ ...others, ...declared }))
}

/** fastify refuses a body with these, wherever they stand. */
const prototypeNames: readonly string[] = ['__proto__', 'constructor']
