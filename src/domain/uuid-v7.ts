/**
 * UUIDs in the order of their time (RFC 9562, version 7): what producers are advised to take for notificationId, since
 * keys in time order cost Postgres less than random ones.
 */

/**
 * @param unixMs goes into the first 48 bits.
 * @param random 10 random bytes for the rest.
 */
export function uuidV7(unixMs: number, random: Uint8Array): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(unixMs, 0, 6)
  bytes.set(random.subarray(0, 10), 6)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
