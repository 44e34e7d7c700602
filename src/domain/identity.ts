/**
 * Deterministic identities, so that a record that is produced twice is recognised and absorbed everywhere.
 *
 * The digests are passed in: domain/ holds no I/O and no vendor, and tests may count calls.
 */
export type Digest = (input: Uint8Array) => Uint8Array

/** The UTC day of an event, `YYYY-MM-DD`: a property of the event, so a redelivery after midnight finds its partition. */
export function dayOf(createdAtMs: number): string {
  return new Date(createdAtMs).toISOString().slice(0, 10)
}

export interface DeliveryIdentity {
  createdAtMs: number
  source: string
  notificationId: string
  channel: string
  /** Present for push: one delivery per device. At most one SMS and one email per notification. */
  deviceId: string | null
}

/**
 * UUIDv8: 48 bits of createdAt in milliseconds, then SHA-256 of the identity. Led by time because random keys cost
 * twice the write-ahead log; and feedback finds the row's day partition from the id alone.
 */
export function deliveryIdOf(identity: DeliveryIdentity, sha256: Digest): string {
  const { createdAtMs, source, notificationId, channel, deviceId } = identity
  const digest = sha256(encodeParts([source, notificationId, channel, deviceId ?? '']))
  const bytes = new Uint8Array(16)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(createdAtMs) << 16n)
  bytes.set(digest.subarray(0, 10), 6)
  return formatUuid(bytes, 8)
}

/** The smallest id that a delivery of that instant can have: ids are in the order of their instants. */
export function firstDeliveryIdOf(createdAtMs: number): string {
  const hex = createdAtMs.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

/** The instant that a delivery id was made from, in ms; its UTC day is the partition of the row. */
export function createdAtMsOf(deliveryId: string): number {
  return Number.parseInt(deliveryId.slice(0, 8) + deliveryId.slice(9, 13), 16)
}

/** Whether an id was made by `deliveryIdOf`: a link may name a moment only, by an id of another version. */
export function isDeliveryId(uuid: string): boolean {
  return uuid[14] === '8'
}

export interface StatusIdentity {
  source: string
  notificationId: string
  /** The delivery, or the channel of a decision about a whole channel, or empty for the whole notification. */
  deliveryIdOrChannel: string
  pass: number
  hop: number
  status: string
  reason: string | null
  /** The provider's event id, where feedback has one. */
  providerEventId?: string
}

/** RFC 9562 name-based namespace of status ids; changing it would make every consumer count old statuses again. */
const statusNamespace = Uint8Array.from([
  0x6f, 0x1d, 0x0c, 0x52, 0x3b, 0x7a, 0x5e, 0x0f, 0x9d, 0x55, 0x0e, 0x21, 0x4f, 0x61, 0x66, 0x65,
])

/** UUIDv5 by which consumers of the status topic drop repeats. */
export function statusIdOf(identity: StatusIdentity, sha1: Digest): string {
  const name = encodeParts([
    identity.source,
    identity.notificationId,
    identity.deliveryIdOrChannel,
    String(identity.pass),
    String(identity.hop),
    identity.status,
    identity.reason ?? '',
    identity.providerEventId ?? '',
  ])
  return nameBasedUuid(statusNamespace, name, sha1)
}

export interface AlertIdentity {
  channel: string
  lane: string
  reason: string
  /** Unix ms; the same in every replica. */
  windowStartMs: number
}

const alertNamespace = Uint8Array.from([
  0x2a, 0x94, 0x5e, 0xd1, 0x07, 0xc8, 0x5b, 0x36, 0xa1, 0x4c, 0x93, 0x58, 0xee, 0x20, 0xb7, 0x4d,
])

/** UUIDv5 of an alert: replicas that notice the same failure in the same window ask for one notification. */
export function alertIdOf({ channel, lane, reason, windowStartMs }: AlertIdentity, sha1: Digest): string {
  return nameBasedUuid(alertNamespace, encodeParts([channel, lane, reason, String(windowStartMs)]), sha1)
}

function nameBasedUuid(namespace: Uint8Array, name: Uint8Array, sha1: Digest): string {
  const input = new Uint8Array(namespace.length + name.length)
  input.set(namespace)
  input.set(name, namespace.length)
  return formatUuid(sha1(input).slice(0, 16), 5)
}

const textEncoder = new TextEncoder()

/** JSON of the array keeps ("a", "bc") and ("ab", "c") apart, whatever characters an id holds. */
function encodeParts(parts: readonly string[]): Uint8Array {
  return textEncoder.encode(JSON.stringify(parts))
}

function formatUuid(bytes: Uint8Array, version: number): string {
  const at = (index: number) => bytes[index] ?? 0
  bytes[6] = (at(6) & 0x0f) | (version << 4)
  bytes[8] = (at(8) & 0x3f) | 0x80
  let hex = ''
  for (const byte of bytes) hex += hexOfByte[byte]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function isUuid(text: string): boolean {
  return uuidForm.test(text)
}
