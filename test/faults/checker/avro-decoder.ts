/**
 * Reads Confluent-framed Avro as a stranger would: a zero byte, a schema id, the record; one GET per schema id.
 */
import avsc from 'avsc'

export interface DecodedRecord {
  /** The record's full name: `fanfare.v1.NotificationRequested`. */
  name: string
  /** Its fields; timestamps as Unix ms. */
  fields: Record<string, unknown>
}

export interface AvroDecoder {
  /** Undefined where the bytes are no record of a schema that the registry knows. Rejects when it cannot be asked. */
  decode(value: Uint8Array | null): Promise<DecodedRecord | undefined>
}

const magicByte = 0
const headerBytes = 5

/** @param registryUrl the base of a Confluent-compatible API, without a slash at the end. */
export function createAvroDecoder(registryUrl: string): AvroDecoder {
  const types = new Map<number, Promise<avsc.Type | undefined>>()

  async function fetchType(id: number): Promise<avsc.Type | undefined> {
    const response = await fetch(`${registryUrl}/schemas/ids/${id}`)
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`the registry answers ${response.status} for schema ${id}`)
    const { schema } = (await response.json()) as { schema: string }
    return avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema)
  }

  function typeOf(id: number): Promise<avsc.Type | undefined> {
    const known = types.get(id) ?? fetchType(id)
    types.set(id, known)
    return known
  }

  async function decode(value: Uint8Array | null): Promise<DecodedRecord | undefined> {
    if (value === null || value.length < headerBytes || value[0] !== magicByte) return undefined
    const bytes = Buffer.from(value)
    const type = await typeOf(bytes.readInt32BE(1))
    if (type?.name === undefined) return undefined
    try {
      // Throws for bytes that are too few, and for those that are left over.
      return { name: type.name, fields: type.fromBuffer(bytes.subarray(headerBytes)) as Record<string, unknown> }
    } catch {
      return undefined
    }
  }

  return { decode }
}
