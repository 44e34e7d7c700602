/**
 * The Confluent wire format: one magic byte (0), the schema's id as four bytes big-endian, then the Avro body.
 */
export const wirePrefixBytes = 5
const magicByte = 0

/** The schema id, or undefined where the bytes are not in this format. */
export function readSchemaId(value: Uint8Array): number | undefined {
  if (value.length < wirePrefixBytes || value[0] !== magicByte) return undefined
  return new DataView(value.buffer, value.byteOffset).getUint32(1)
}

/** Writes the prefix at `position`, which must leave room for its five bytes. */
export function writePrefix(buffer: Buffer, position: number, schemaId: number): void {
  buffer[position] = magicByte
  buffer.writeUInt32BE(schemaId, position + 1)
}
