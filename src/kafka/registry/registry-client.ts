/**
 * The schema registry over HTTP, every request with a time-out and every answer classified.
 *
 * An answer is either a value (the schema, the id, "no such schema", "refused") or `DependencyUnavailable`. Only the
 * registry's own word makes "no such schema": its error code in a 404. A 404 of some proxy, a wrong path, a refused
 * login, a page of HTML are all a registry that cannot be asked, and no reason to throw records away.
 *
 * Looking up and registering go through the public client library. The other three are ours: the library cannot be
 * kept from retrying and reports a refused connection as status 400 when it fetches a schema by id, and it does not
 * offer the configuration of a subject at all.
 */
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { z } from 'zod'
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import { createRegistryHttp } from './registry-http.ts'

export interface RegistryConnection {
  /** Base of the Confluent-compatible API, without a slash at the end. */
  url: string
  username?: string
  password?: string
  /** For one request. */
  requestTimeoutMs?: number
}

export type Compatibility = 'BACKWARD' | 'FULL_TRANSITIVE'

export type FetchedSchema =
  | { kind: 'avro'; schema: string }
  /** A valid id of a schema that we do not speak: JSON, Protobuf. */
  | { kind: 'other' }
  | { kind: 'unknown_id' }

type Registration = { kind: 'registered'; id: number } | { kind: 'refused'; status: number }

/** Every method throws DependencyUnavailable when the registry is away, and none ever waits longer than its limits. */
export interface RegistryClient {
  fetchSchema(id: number): Promise<FetchedSchema>
  /** The id of exactly this schema under this subject; undefined if it is not registered there. */
  lookUp(subject: string, schema: string): Promise<number | undefined>
  /** Registers the schema, or finds it registered. The subject's compatibility must have been set before. */
  register(subject: string, schema: string, compatibility: Compatibility): Promise<Registration>
  hasSubject(subject: string): Promise<boolean>
  /** The subject's own level; undefined where it has none. */
  compatibilityOf(subject: string): Promise<string | undefined>
  setCompatibility(subject: string, compatibility: Compatibility): Promise<void>
}

const defaultRequestTimeoutMs = 2_000
/** The library makes up to three requests for one registration. */
const libraryRequests = 3

export function createRegistryClient(connection: RegistryConnection): RegistryClient {
  const { requestTimeoutMs = defaultRequestTimeoutMs } = connection
  const http = createRegistryHttp({ ...connection, requestTimeoutMs })
  const library = createLibrary(connection, requestTimeoutMs)
  const libraryTimeoutMs = requestTimeoutMs * libraryRequests

  async function fetchSchema(id: number): Promise<FetchedSchema> {
    const answer = await http.request('GET', `/schemas/ids/${id}`)
    if (answer.kind === 'not_found') return { kind: 'unknown_id' }
    const { schema, schemaType } = parseAnswer(schemaAnswer, answer.body)
    return schemaType === 'AVRO' ? { kind: 'avro', schema } : { kind: 'other' }
  }

  async function lookUp(subject: string, schema: string): Promise<number | undefined> {
    const work = library.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema })
    const outcome = await settleLibrary(work, libraryTimeoutMs)
    if (outcome.kind === 'done') return outcome.value
    if (outcome.status !== httpNotFound) throw unavailableByStatus(outcome.status)
    return undefined
  }

  async function register(subject: string, schema: string, compatibility: Compatibility): Promise<Registration> {
    const options = { subject, compatibility: COMPATIBILITY[compatibility], updateConfig: false }
    const outcome = await settleLibrary(library.register({ type: SchemaType.AVRO, schema }, options), libraryTimeoutMs)
    if (outcome.kind === 'done') return { kind: 'registered', id: outcome.value.id }
    if (refusals.has(outcome.status)) return { kind: 'refused', status: outcome.status }
    throw unavailableByStatus(outcome.status)
  }

  async function hasSubject(subject: string): Promise<boolean> {
    return (await http.request('GET', `/subjects/${encodeURIComponent(subject)}/versions`)).kind === 'found'
  }

  async function compatibilityOf(subject: string): Promise<string | undefined> {
    const answer = await http.request('GET', `/config/${encodeURIComponent(subject)}`)
    if (answer.kind === 'not_found') return undefined
    return parseAnswer(compatibilityAnswer, answer.body).compatibilityLevel.toUpperCase()
  }

  async function setCompatibility(subject: string, compatibility: Compatibility): Promise<void> {
    const answer = await http.request('PUT', `/config/${encodeURIComponent(subject)}`, { compatibility })
    if (answer.kind === 'not_found') throw unavailableByStatus(httpNotFound)
  }

  return { fetchSchema, lookUp, register, hasSubject, compatibilityOf, setCompatibility }
}

const schemaAnswer = z.object({ schema: z.string(), schemaType: z.string().default('AVRO') })
const compatibilityAnswer = z.object({ compatibilityLevel: z.string() })

function parseAnswer<Answer>(shape: z.ZodType<Answer>, body: unknown): Answer {
  const parsed = shape.safeParse(body)
  if (!parsed.success) throw new DependencyUnavailable('registry', 'UNREADABLE_ANSWER')
  return parsed.data
}

const httpNotFound = 404
/** Incompatible with an earlier version; not a valid schema. */
const refusals = new Set([409, 422])
/** What the library makes of a connection that failed. */
const transportFailureStatus = 400

function unavailableByStatus(status: number): DependencyUnavailable {
  return new DependencyUnavailable('registry', status === transportFailureStatus ? 'NO_ANSWER' : `HTTP_${status}`)
}

function createLibrary({ url, username, password }: RegistryConnection, requestTimeoutMs: number): SchemaRegistry {
  return new SchemaRegistry({
    host: url,
    // Process-wide, since the library writes its retry options into a shared object: nobody else may set others.
    retry: { retries: 0 },
    // The library waits for ever. Aborting the request also closes its socket.
    middlewares: [
      () => ({
        prepareRequest: async (next) => (await next()).enhance({ signal: AbortSignal.timeout(requestTimeoutMs) }),
      }),
    ],
    ...(username === undefined ? {} : { auth: { username, password: password ?? '' } }),
  })
}

type LibraryOutcome<Value> = { kind: 'done'; value: Value } | { kind: 'failed'; status: number }

/**
 * The library rejects with an Error that carries the status, or, for the 404 of a look-up, with one of its own class
 * that lost it. An aborted request whose answer had begun settles never: hence the race.
 */
async function settleLibrary<Value>(work: Promise<Value>, timeoutMs: number): Promise<LibraryOutcome<Value>> {
  const deadline = AbortSignal.timeout(timeoutMs)
  const { promise: late, reject } = Promise.withResolvers<never>()
  deadline.addEventListener('abort', () => reject(new DependencyUnavailable('registry', 'TimeoutError')))
  try {
    return { kind: 'done', value: await Promise.race([work, late]) }
  } catch (error) {
    if (error instanceof DependencyUnavailable || !(error instanceof Error)) throw error
    if ('status' in error && typeof error.status === 'number') return { kind: 'failed', status: error.status }
    if (error.name === 'ConfluentSchemaRegistryError') return { kind: 'failed', status: httpNotFound }
    throw error
  }
}
