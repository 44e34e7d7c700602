/**
 * Brings our schemas into the registry at deploy time, and tells where the registry differs.
 *
 * Registering is repeatable: what is there already stays as it is. The order is fixed (see `topic-schemas.ts`), one
 * subject after the other, and every id is read back, since from now on records name their schema by nothing else.
 */
import { isDeepStrictEqual } from 'node:util'
import type { TopicSchema } from '../topic-schemas.ts'
import { readRecordSchema } from './record-schemas.ts'
import type { RegistryClient } from './registry-client.ts'

export type SchemaRegistration =
  | { kind: 'registered' | 'unchanged'; schema: TopicSchema; id: number }
  /** Incompatible with an earlier version (409), or not a schema (422). */
  | { kind: 'refused'; schema: TopicSchema; status: number }
  /** The registry gives another schema for the id than the one that it has just taken. */
  | { kind: 'unverified'; schema: TopicSchema; id: number }

export type SchemaDrift =
  | { kind: 'missing'; schema: TopicSchema }
  /** The subject holds other versions, and not this one. */
  | { kind: 'different'; schema: TopicSchema }
  | { kind: 'compatibility'; schema: TopicSchema; actual: string | undefined }

/**
 * Registers each schema under its subject, the subject's compatibility before its first version.
 * @returns one result for each, in order. A refusal does not keep the others from being registered.
 * @throws DependencyUnavailable when the registry is away; running it again finishes the work.
 */
export async function registerSchemas(
  registry: RegistryClient,
  schemas: readonly TopicSchema[],
): Promise<SchemaRegistration[]> {
  const results: SchemaRegistration[] = []
  for (const schema of schemas) results.push(await registerSchema(registry, schema))
  return results
}

/**
 * Where the registry differs from our schemas; an empty list if nowhere. Changes nothing.
 * @throws DependencyUnavailable when the registry is away.
 */
export async function checkSchemas(registry: RegistryClient, schemas: readonly TopicSchema[]): Promise<SchemaDrift[]> {
  const drifts: SchemaDrift[] = []
  for (const schema of schemas) {
    const { subject, compatibility } = schema
    if (!(await registry.hasSubject(subject))) {
      drifts.push({ kind: 'missing', schema })
      continue
    }
    const id = await registry.lookUp(subject, readRecordSchema(schema.record))
    if (id === undefined) drifts.push({ kind: 'different', schema })
    const actual = await registry.compatibilityOf(subject)
    if (actual !== compatibility) drifts.push({ kind: 'compatibility', schema, actual })
  }
  return drifts
}

async function registerSchema(registry: RegistryClient, schema: TopicSchema): Promise<SchemaRegistration> {
  const { subject, compatibility } = schema
  const text = readRecordSchema(schema.record)
  if ((await registry.compatibilityOf(subject)) !== compatibility) {
    await registry.setCompatibility(subject, compatibility)
  }
  const existing = await registry.lookUp(subject, text)
  if (existing !== undefined) return verify(registry, { kind: 'unchanged', schema, id: existing }, text)
  const registration = await registry.register(subject, text, compatibility)
  if (registration.kind === 'refused') return { kind: 'refused', schema, status: registration.status }
  return verify(registry, { kind: 'registered', schema, id: registration.id }, text)
}

async function verify(
  registry: RegistryClient,
  result: Extract<SchemaRegistration, { id: number }>,
  text: string,
): Promise<SchemaRegistration> {
  const fetched = await registry.fetchSchema(result.id)
  const isOurs = fetched.kind === 'avro' && isDeepStrictEqual(JSON.parse(fetched.schema), JSON.parse(text))
  return isOurs ? result : { ...result, kind: 'unverified' }
}
