/**
 * Avro schemas compiled by avsc, set up for our values and for bytes that nobody vouches for.
 *
 * - Logical types are ignored: a timestamp stays a number of ms, a uuid a string.
 * - Unions are unwrapped where the value alone tells the branch, which holds for all of ours.
 * - Decoded records and maps are plain objects.
 * - Arrays and maps are bounded by the bytes that are left. avsc believes the count that it reads: ten bytes may announce
 *   2^60 items, and reading them (past the end everything is 0) never comes back. Skipping a field that the reader
 *   does not have goes wrong in the same way, backwards even.
 */
import avsc, { type Type } from 'avsc'

/** @throws Error where the text is not a schema. */
export function compileAvroType(schema: string): Type {
  return avsc.Type.forSchema(JSON.parse(schema), { typeHook: ownType })
}

/** The part of avsc's reading position that its documentation leaves out and that types are written against. */
interface Tap {
  readonly buf: Uint8Array
  readonly pos: number
  readLong(): number
  readString(): string
}
interface Readable {
  _read(tap: Tap): unknown
}

function ownType(schema: unknown, options: unknown): Type | undefined {
  if (typeof schema !== 'object' || schema === null || !('type' in schema)) return undefined
  switch (schema.type) {
    case 'array':
      return new BoundedArrayType(schema as avsc.Schema, options)
    case 'map':
      return new BoundedMapType(schema as avsc.Schema, options)
    case 'record': {
      const type = new avsc.types.RecordType(schema as avsc.Schema, options)
      // avsc instantiates a class of its own for each record; its instances would equal no object literal.
      type.recordConstructor.prototype = Object.prototype
      return type
    }
    default:
      return undefined
  }
}

/**
 * The number of items in the next block, 0 at the end. A negative count is followed by the block's size in bytes.
 * Every item of ours takes at least a byte, so more items than bytes is a lie.
 */
function readBlockCount(tap: Tap): number {
  let count = tap.readLong()
  if (count < 0) {
    count = -count
    tap.readLong()
  }
  if (count > tap.buf.length - tap.pos) throw new RangeError('a block announces more items than there are bytes')
  return count
}

// Classes, because avsc makes types out of prototypes: `this` is the type, or the resolver that borrows its `_read`.
class BoundedArrayType extends avsc.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const itemsType = this.itemsType as unknown as Readable
    const items: unknown[] = []
    for (let left = readBlockCount(tap); left > 0; left = readBlockCount(tap)) {
      for (; left > 0; left -= 1) items.push(itemsType._read(tap))
    }
    return items
  }

  _skip(tap: Tap): void {
    BoundedArrayType.prototype._read.call(this, tap)
  }
}

class BoundedMapType extends avsc.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const valuesType = this.valuesType as Readable
    const entries: Record<string, unknown> = {}
    for (let left = readBlockCount(tap); left > 0; left = readBlockCount(tap)) {
      for (; left > 0; left -= 1) {
        const key = tap.readString()
        const value = valuesType._read(tap)
        // Assigned like any other, this key would set the object's prototype and be lost.
        if (key === '__proto__')
          Object.defineProperty(entries, key, { value, enumerable: true, configurable: true, writable: true })
        else entries[key] = value
      }
    }
    return entries
  }

  _skip(tap: Tap): void {
    BoundedMapType.prototype._read.call(this, tap)
  }
}
