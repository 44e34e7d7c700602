/**
 * One request to the registry's REST API, with a time-out over all of it, body included.
 */
import { z } from 'zod'
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'

export interface RegistryHttpOptions {
  url: string
  username?: string
  password?: string
  requestTimeoutMs: number
}

type RegistryAnswer =
  | { kind: 'found'; body: unknown }
  /** The registry itself says that there is no such subject, version, schema or level. */
  | { kind: 'not_found' }

export interface RegistryHttp {
  /** @throws DependencyUnavailable for every other answer and for none. */
  request(method: 'GET' | 'PUT', path: string, body?: unknown): Promise<RegistryAnswer>
}

const contentType = 'application/vnd.schemaregistry.v1+json'

/**
 * Confluent's error codes under HTTP 404: subject, version, schema, and a subject's compatibility level not found.
 * https://docs.confluent.io/platform/current/schema-registry/develop/api.html
 */
const notFoundCodes = new Set([40401, 40402, 40403, 40408])

export function createRegistryHttp(options: RegistryHttpOptions): RegistryHttp {
  const headers = { accept: contentType, 'content-type': contentType, ...authorization(options) }

  async function request(method: 'GET' | 'PUT', path: string, body?: unknown): Promise<RegistryAnswer> {
    const { status, text } = await exchange(`${options.url}${path}`, {
      method,
      headers,
      signal: AbortSignal.timeout(options.requestTimeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = parseJson(text)
    if (status === 200 && answer !== undefined) return { kind: 'found', body: answer }
    if (status === 404 && errorAnswer.safeParse(answer).success) return { kind: 'not_found' }
    throw new DependencyUnavailable('registry', status === 200 ? 'UNREADABLE_ANSWER' : `HTTP_${status}`)
  }

  return { request }
}

const errorAnswer = z.object({ error_code: z.number().refine((code) => notFoundCodes.has(code)) })

async function exchange(url: string, init: RequestInit): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, init)
    return { status: response.status, text: await response.text() }
  } catch (error) {
    throw new DependencyUnavailable('registry', transportCodeOf(error), error)
  }
}

/** `fetch` hides the socket's code in the cause of a TypeError; its own time-out is a DOMException named TimeoutError. */
function transportCodeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN'
  const cause = error.cause
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : error.name
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function authorization({ username, password }: RegistryHttpOptions): Record<string, string> {
  if (username === undefined) return {}
  return { authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` }
}
