/**
 * Writes records of one kind in the Confluent wire format, synchronously.
 *
 * Which id the schema has is asked once, at the start; a role never registers anything. The bytes are written one after
 * the other into slabs and handed out as views: a slab is never written twice, and lives as long as one of its views.
 */
import type { Type } from 'avsc'
import { compileAvroType } from './avro-type.ts'
import { fullRecordName, readRecordSchema, type RecordName, type RecordTypes } from './record-schemas.ts'
import type { RegistryClient } from './registry-client.ts'
import { wirePrefixBytes, writePrefix } from './wire-format.ts'

export interface AvroWriter<Name extends RecordName> {
  /** @throws UnencodableRecord for a value that its type should have forbidden: a bug, not bad input. */
  encode(value: RecordTypes[Name]): Buffer
}

/** The deployment forgot a step; the message says which. */
export class SchemaNotRegistered extends Error {
  override readonly name = 'SchemaNotRegistered'
}

/** Names the fields that do not fit, never their values. */
export class UnencodableRecord extends Error {
  override readonly name = 'UnencodableRecord'
}

/**
 * @param subject any subject that holds the record: the same schema has the same id, or one that means the same, under
 * all of them.
 * @throws SchemaNotRegistered, or DependencyUnavailable when the registry is away.
 */
export async function createAvroWriter<Name extends RecordName>(options: {
  registry: Pick<RegistryClient, 'lookUp'>
  record: Name
  subject: string
}): Promise<AvroWriter<Name>> {
  const schema = readRecordSchema(options.record)
  const schemaId = await options.registry.lookUp(options.subject, schema)
  if (schemaId === undefined) {
    const name = fullRecordName(options.record)
    throw new SchemaNotRegistered(
      `subject ${options.subject} does not hold this version of ${name}: run \`fanfare schemas register\` first`,
    )
  }
  return createSchemaWriter({ type: compileAvroType(schema), record: options.record, schemaId })
}

/** Large enough to make allocation rare, small enough that one view kept for long costs little. */
const slabBytes = 256 * 1024

/** The part that needs no registry. */
export function createSchemaWriter<Name extends RecordName>(options: {
  type: Type
  record: Name
  schemaId: number
}): AvroWriter<Name> {
  const { type, record, schemaId } = options
  let slab = Buffer.allocUnsafeSlow(slabBytes)
  let free = 0

  function encode(value: RecordTypes[Name]): Buffer {
    let end = encodeAt(value)
    if (end < 0) {
      // It does not fit: avsc answers with the missing bytes, so the next slab surely holds it.
      slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, slab.length - free - end))
      free = 0
      end = encodeAt(value)
    }
    writePrefix(slab, free, schemaId)
    const bytes = slab.subarray(free, end)
    free = end
    return bytes
  }

  function encodeAt(value: RecordTypes[Name]): number {
    try {
      return type.encode(value, slab, free + wirePrefixBytes)
    } catch {
      throw new UnencodableRecord(`${fullRecordName(record)} does not fit its schema at ${faultyFields(value)}`)
    }
  }

  function faultyFields(value: RecordTypes[Name]): string {
    const paths: string[] = []
    // Only the record's own field: a path may go on with a key of the template data, which is the producer's text.
    type.isValid(value, { errorHook: ([field]) => paths.push(field ?? 'the record itself') })
    return [...new Set(paths)].join(', ')
  }

  return { encode }
}
