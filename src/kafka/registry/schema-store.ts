/**
 * What each schema id stands for, asked of the registry once and remembered.
 *
 * - At most one question per id is under way, however many chunks wait for it, and only a few over all ids.
 * - A known id is kept for good (ids are never given out again), the least recently used going first over the limit.
 * - An id that the registry does not know is asked for a few times, for a schema may be younger than the registry
 *   replica that answers; then it is `unknown` without a question for a while, and after that asked for again.
 * - A registry that is away settles nothing: DependencyUnavailable goes to everyone who waits, and the next one asks anew.
 *
 * One store serves all readers of a process.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { Type } from 'avsc'
import { compileAvroType } from './avro-type.ts'
import { createGate } from './request-gate.ts'
import type { FetchedSchema } from './registry-client.ts'

export type StoredSchema =
  | { kind: 'record'; name: string; type: Type }
  /** A valid id of something that is no Avro record that we can compile. */
  | { kind: 'unusable' }
  | { kind: 'unknown' }

export interface SchemaStore {
  /**
   * The schemas of these ids, a verdict for each: without a question where all are remembered.
   * @throws DependencyUnavailable when the registry is away while one of them is not.
   */
  resolve(ids: ReadonlySet<number>): Promise<ReadonlyMap<number, StoredSchema>>
}

export interface SchemaStoreOptions {
  fetchSchema(id: number): Promise<FetchedSchema>
  /** Milliseconds that never go back. */
  now?: () => number
  limits?: Partial<SchemaStoreLimits>
}

export interface SchemaStoreLimits {
  /** Schemas remembered, and likewise unknown ids. */
  rememberedIds: number
  /** Questions to the registry at the same time. */
  concurrentQuestions: number
  /** How often an id is asked for before it counts as unknown. */
  attemptsPerUnknownId: number
  /** Before the second attempt; each further wait is twice as long. */
  unknownRetryDelayMs: number
  /** For how long an unknown id is not asked for again. */
  unknownTtlMs: number
}

const defaultLimits: SchemaStoreLimits = {
  rememberedIds: 1_000,
  concurrentQuestions: 8,
  attemptsPerUnknownId: 3,
  unknownRetryDelayMs: 200,
  unknownTtlMs: 60_000,
}

/** Ids are signed 32-bit numbers. Asked for more, a registry answers with some error and not with "unknown id". */
const highestSchemaId = 2 ** 31 - 1

const unknown: StoredSchema = { kind: 'unknown' }

export function createSchemaStore(options: SchemaStoreOptions): SchemaStore {
  const { fetchSchema, now = () => performance.now() } = options
  const limits = { ...defaultLimits, ...options.limits }
  const known = new LRUCache<number, StoredSchema>({ max: limits.rememberedIds })
  const unknownUntilMs = new LRUCache<number, number>({ max: limits.rememberedIds })
  const underWay = new Map<number, Promise<StoredSchema>>()
  const gate = createGate(limits.concurrentQuestions)

  async function resolve(ids: ReadonlySet<number>): Promise<ReadonlyMap<number, StoredSchema>> {
    const schemas = new Map<number, StoredSchema>()
    const missing: number[] = []
    for (const id of ids) {
      const schema = recall(id)
      if (schema === undefined) missing.push(id)
      else schemas.set(id, schema)
    }
    if (missing.length === 0) return schemas
    const found = await Promise.all(missing.map(async (id) => [id, await findOnce(id)] as const))
    for (const [id, schema] of found) schemas.set(id, schema)
    return schemas
  }

  function recall(id: number): StoredSchema | undefined {
    if (id > highestSchemaId) return unknown
    const schema = known.get(id)
    if (schema !== undefined) return schema
    return now() < (unknownUntilMs.get(id) ?? -Infinity) ? unknown : undefined
  }

  function findOnce(id: number): Promise<StoredSchema> {
    const running = underWay.get(id)
    if (running !== undefined) return running
    const search = find(id).finally(() => underWay.delete(id))
    underWay.set(id, search)
    return search
  }

  async function find(id: number): Promise<StoredSchema> {
    for (let attempt = 1; attempt <= limits.attemptsPerUnknownId; attempt += 1) {
      if (attempt > 1) await delay(limits.unknownRetryDelayMs * 2 ** (attempt - 2))
      const fetched = await gate(() => fetchSchema(id))
      if (fetched.kind === 'unknown_id') continue
      const schema = fetched.kind === 'avro' ? compile(fetched.schema) : unusable
      known.set(id, schema)
      return schema
    }
    unknownUntilMs.set(id, now() + limits.unknownTtlMs)
    return unknown
  }

  return { resolve }
}

const unusable: StoredSchema = { kind: 'unusable' }

function compile(schema: string): StoredSchema {
  try {
    const type = compileAvroType(schema)
    return type.typeName === 'record' && type.name !== undefined ? { kind: 'record', name: type.name, type } : unusable
  } catch {
    // Not for us to mend: whatever it describes, it is none of the records that a reader of ours asks for.
    return unusable
  }
}
