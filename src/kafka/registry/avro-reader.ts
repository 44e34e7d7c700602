/**
 * Reads records in the Confluent wire format, whatever version of the schema wrote them.
 *
 * A chunk waits for the registry at most once, for the ids that nobody has seen yet; then every value is decoded
 * synchronously. What cannot be read is poison with its reason: a value, since its neighbours are to flow on. A registry
 * that is away is an exception (DependencyUnavailable) for the whole chunk, and never poison.
 */
import type { Type } from 'avsc'
import type { PoisonReason } from '../../domain/reason.ts'
import { compileAvroType } from './avro-type.ts'
import { fullRecordName, readRecordSchema, type RecordName, type RecordTypes } from './record-schemas.ts'
import type { SchemaStore, StoredSchema } from './schema-store.ts'
import { readSchemaId, wirePrefixBytes } from './wire-format.ts'

export type DecodedRecord<Name extends RecordName> =
  | { [Each in Name]: { kind: 'record'; name: Each; value: RecordTypes[Each] } }[Name]
  | { kind: 'poison'; reason: PoisonReason }

export interface AvroReader<Name extends RecordName> {
  /**
   * One verdict for each value, in order. Null is poison (`empty_value`): who gives tombstones a meaning looks first.
   * @throws DependencyUnavailable when a schema is needed and the registry is away.
   */
  decodeChunk(values: readonly (Uint8Array | null)[]): Promise<DecodedRecord<Name>[]>
}

/** @param records the records that may lie on the topic; every other one is `wrong_record_type`. */
export function createAvroReader<Name extends RecordName>(options: {
  schemas: SchemaStore
  records: readonly Name[]
}): AvroReader<Name> {
  const readers = new Map(options.records.map((name) => [fullRecordName(name), createRecordReader(name)]))
  // Keyed by the store's entry, so that a decoder goes with the schema that the store forgets.
  const decoderOf = new WeakMap<StoredSchema, Decoder<Name>>()

  async function decodeChunk(values: readonly (Uint8Array | null)[]): Promise<DecodedRecord<Name>[]> {
    const schemas = await options.schemas.resolve(idsOf(values))
    return values.map((value) => decodeOne(value, schemas))
  }

  function decodeOne(value: Uint8Array | null, schemas: ReadonlyMap<number, StoredSchema>): DecodedRecord<Name> {
    if (value === null) return poison('empty_value')
    const id = readSchemaId(value)
    if (id === undefined) return poison('not_avro')
    const schema = schemas.get(id)
    if (schema === undefined || schema.kind === 'unknown') return poison('unknown_schema_id')
    let decoder = decoderOf.get(schema)
    if (decoder === undefined) {
      decoder = createDecoder(schema)
      decoderOf.set(schema, decoder)
    }
    return decoder(value)
  }

  function createDecoder(schema: StoredSchema): Decoder<Name> {
    const reader = schema.kind === 'record' ? readers.get(schema.name) : undefined
    if (schema.kind !== 'record' || reader === undefined) return () => poison('wrong_record_type')
    return reader.decoderFor(schema.type)
  }

  return { decodeChunk }
}

type Decoder<Name extends RecordName> = (value: Uint8Array) => DecodedRecord<Name>

function poison(reason: PoisonReason): { kind: 'poison'; reason: PoisonReason } {
  return { kind: 'poison', reason }
}

function idsOf(values: readonly (Uint8Array | null)[]): Set<number> {
  const ids = new Set<number>()
  for (const value of values) {
    const id = value === null ? undefined : readSchemaId(value)
    if (id !== undefined) ids.add(id)
  }
  return ids
}

interface RecordReader<Name extends RecordName> {
  /** Compiles once what translates this writer's records into ours. */
  decoderFor(writerType: Type): Decoder<Name>
}

function createRecordReader<Name extends RecordName>(name: Name): RecordReader<Name> {
  const readerType = compileAvroType(readRecordSchema(name))
  const enumFields = enumFieldsOf(readerType)

  function decoderFor(writerType: Type): Decoder<Name> {
    const resolver = resolverOf(readerType, writerType)
    if (resolver === 'incompatible') return () => poison('undecodable')
    return (bytes) => {
      try {
        const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
        const { value, offset } = readerType.decode(buffer, wirePrefixBytes, resolver)
        // -1 where the bytes end too early, less than the length where some are left over.
        if (offset !== buffer.length) return poison('undecodable')
        for (const field of enumFields) if (value[field] === unknownSymbol) return poison('undecodable')
        // A contract test holds each schema against its domain type; the compiler cannot.
        return { kind: 'record', name, value } as DecodedRecord<Name>
      } catch {
        // avsc throws plain errors for a long beyond the safe integers, a branch or symbol that does not exist, and
        // for what our own types refuse. The message quotes values, so it goes nowhere.
        return poison('undecodable')
      }
    }
  }

  return { decoderFor }
}

/** Undefined where both are the same and the reader needs no help. */
function resolverOf(
  readerType: Type,
  writerType: Type,
): ReturnType<Type['createResolver']> | undefined | 'incompatible' {
  if (readerType.equals(writerType)) return undefined
  try {
    return readerType.createResolver(writerType)
  } catch {
    return 'incompatible'
  }
}

/** What an enum reads as where the writer's word is younger than our schema: none of the domain's words. */
const unknownSymbol = 'UNKNOWN'

/** The record's own enum fields; none of our records has one deeper. */
function enumFieldsOf(type: Type): string[] {
  const { fields } = type as Type & { fields: readonly { name: string; type: Type & { types?: readonly Type[] } }[] }
  const isEnum = (each: Type) => each.typeName === 'enum'
  return fields.filter((field) => isEnum(field.type) || field.type.types?.some(isEnum)).map((field) => field.name)
}
