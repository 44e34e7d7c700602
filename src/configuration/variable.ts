/**
 * One environment variable: its name, what it means, what it must look like, and how its text becomes a value.
 *
 * The kinds of text that occur are built here, each with the expectation that a fault quotes, so that no variable can
 * check one thing and promise another.
 */
import { z } from 'zod'
import type { Cap } from '../domain/category.ts'
import { isTimeZone } from '../domain/time-zone.ts'

export interface Variable<Value = unknown> {
  name: `FANFARE_${string}`
  meaning: string
  /** What a fault quotes: `a whole number from 1 to 500`. */
  expectation: string
  schema: z.ZodType<Value, string>
  /** As the environment would say it; without one the variable must be set. */
  default?: string
  /** `url`: the value may be shown without its credentials and query. */
  secret: 'no' | 'yes' | 'url'
}

export type ValueOf<V> = V extends Variable<infer Value> ? Value : never

interface Description {
  name: `FANFARE_${string}`
  meaning: string
  default?: string
}

export function wholeNumber(options: Description & { min: number; max: number }): Variable<number> {
  const { min, max, ...description } = options
  const schema = z
    .string()
    .regex(/^-?\d{1,15}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max))
  return { ...description, expectation: `a whole number from ${min} to ${max}`, schema, secret: 'no' }
}

/** Null where nothing is said. */
export function optionalUserId(options: Omit<Description, 'default'>): Variable<number | null> {
  const schema = z
    .string()
    .regex(/^\d{0,16}$/)
    .transform((id) => (id === '' ? null : Number(id)))
    .pipe(z.int().positive().nullable())
  return { ...options, default: '', expectation: 'the id of a user, a whole number from 1', schema, secret: 'no' }
}

export function oneOf<const Word extends string>(options: Description & { words: readonly Word[] }): Variable<Word> {
  const { words, ...description } = options
  return { ...description, expectation: `one of ${words.join(', ')}`, schema: z.enum(words), secret: 'no' }
}

/** Caps as people write them: `20/1h,50/1d`; empty for none. */
export function caps(options: Description): Variable<Cap[]> {
  const schema = z
    .string()
    .transform(splitList)
    .pipe(z.array(z.string().regex(/^[1-9]\d{0,5}\/[1-9]\d{0,4}[smhd]$/)))
    .transform((list) => list.map(capOf))
  return { ...options, expectation: 'caps such as 20/1h,50/1d, or nothing', schema, secret: 'no' }
}

const unitSeconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

function capOf(text: string): Cap {
  const [limit = '', window = ''] = text.split('/')
  const unit = window.slice(-1) as keyof typeof unitSeconds
  return { limit: Number(limit), windowSeconds: Number(window.slice(0, -1)) * unitSeconds[unit] }
}

/** A name of the IANA time zone database. */
export function timeZone(options: Description): Variable<string> {
  const schema = z.string().refine(isTimeZone)
  return { ...options, expectation: 'an IANA time zone such as Asia/Seoul', schema, secret: 'no' }
}

/** An ordered list of words, none twice. */
export function orderedListOf<const Word extends string>(
  options: Description & { words: readonly Word[] },
): Variable<Word[]> {
  const { words, ...description } = options
  const schema = z
    .string()
    .transform(splitList)
    .pipe(z.array(z.enum(words)).min(1))
    .refine((list) => new Set(list).size === list.length)
  const expectation = `one or more of ${words.join(', ')}, in order of preference, separated by commas, none twice`
  return { ...description, expectation, schema, secret: 'no' }
}

/** One or more `host:port`. */
export function hostsAndPorts(options: Description): Variable<string[]> {
  const schema = z
    .string()
    .transform(splitList)
    .pipe(z.array(z.string().refine(isHostAndPort)).min(1))
  return { ...options, expectation: 'one or more host:port, separated by commas', schema, secret: 'no' }
}

/** A URL of one of the schemes. It may hold credentials, so a fault shows it without them. */
export function url(options: Description & { schemes: readonly string[] }): Variable<string> {
  const { schemes, ...description } = options
  const schema = z.string().refine((text) => {
    const parsed = URL.canParse(text) ? new URL(text) : undefined
    return parsed !== undefined && parsed.hostname !== '' && schemes.includes(parsed.protocol.slice(0, -1))
  })
  const expectation = `a URL beginning with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`
  return { ...description, expectation, schema, secret: 'url' }
}

/** A public base URL without credentials, query, fragment and a slash at the end; empty text where there is none. */
export function optionalBaseUrl(options: Omit<Description, 'default'>): Variable<string> {
  const schema = z
    .string()
    .refine((text) => text === '' || isBaseUrl(text))
    .transform((text) => (text === '' ? '' : new URL(text).href.replace(/\/+$/, '')))
  const expectation = 'a URL beginning with http:// or https://, without credentials and query, or nothing'
  return { ...options, default: '', expectation, schema, secret: 'url' }
}

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password, search, hash } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:') return false
  return hostname !== '' && [username, password, search, hash].every((part) => part === '')
}

/** An HTTP service with its credentials apart, since no HTTP client takes them inside the URL. */
export interface HttpService {
  /** Without credentials and without a slash at the end. */
  url: string
  username?: string
  password?: string
}

export function httpService(options: Description): Variable<HttpService> {
  const variable = url({ ...options, schemes: ['http', 'https'] })
  return { ...variable, schema: variable.schema.transform(withCredentialsApart) }
}

function withCredentialsApart(given: string): HttpService {
  const parsed = new URL(given)
  const { username, password } = parsed
  parsed.username = ''
  parsed.password = ''
  return {
    url: parsed.href.replace(/\/+$/, ''),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  }
}

export function text(options: Description & { pattern: RegExp; expectation: string }): Variable<string> {
  const { pattern, ...description } = options
  return { ...description, schema: z.string().regex(pattern), secret: 'no' }
}

/** Key material as hex or base64. Text of hex digits only is taken for hex, which keeps a short hex key from passing. */
export function secretKey(options: Description & { minBytes: number }): Variable<Uint8Array> {
  const { minBytes, ...description } = options
  const schema = z
    .string()
    .regex(/^([0-9a-f]{2})+$|^[\w+/-]+={0,2}$/i)
    .transform((key): Uint8Array => Buffer.from(key, /^[0-9a-f]+$/i.test(key) ? 'hex' : 'base64'))
    .refine((bytes) => bytes.length >= minBytes)
  return { ...description, expectation: `at least ${minBytes} random bytes as hex or base64`, schema, secret: 'yes' }
}

/** One of several keys that are in use side by side, so that the first can be replaced while the others still hold. */
export interface NumberedKey {
  /** From 0 to 255: it fits one byte of what the key signs. */
  id: number
  secret: Uint8Array
}

/** `1:<base64>,2:<base64>`: the first signs, all verify; none where the text is empty. */
export function numberedKeys(
  options: Omit<Description, 'default'> & { minBytes: number; keysMax: number },
): Variable<NumberedKey[]> {
  const { minBytes, keysMax, ...description } = options
  const schema = z
    .string()
    .transform(splitList)
    .pipe(z.array(z.string().regex(/^\d{1,3}:[\w+/-]+={0,2}$/)).max(keysMax))
    .transform((list) => list.map(numberedKeyOf))
    .refine((keys) => keys.every(({ id, secret }) => id <= 255 && secret.length >= minBytes))
    .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length)
  const expectation = `at most ${keysMax} keys as id:base64, separated by commas; ids from 0 to 255, none twice; at least ${minBytes} random bytes each; or nothing`
  return { ...description, default: '', expectation, schema, secret: 'yes' }
}

function numberedKeyOf(text: string): NumberedKey {
  const [id = '', secret = ''] = text.split(':')
  return { id: Number(id), secret: Buffer.from(secret, 'base64') }
}

function splitList(list: string): string[] {
  return list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function isHostAndPort(item: string): boolean {
  const match = /^(?:[\w.-]+|\[[\da-f:.]+\]):(\d{1,5})$/i.exec(item)
  const port = Number(match?.[1])
  return port >= 1 && port <= 65_535
}
