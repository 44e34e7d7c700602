/**
 * Links in messages that only Fanfare can make: what a link is about is in the link itself, signed, so that the edge
 * needs no table to know it and nobody can make one for somebody else.
 *
 * A token is base64url of: version and kind (a nibble each), the id of the key, the fields of the kind, and the first
 * 16 bytes of an HMAC-SHA256 over all of that. Of a click the HMAC goes over the target URL too, which stands behind the
 * token: so a redirect leads only where a message of ours led. Every token has one spelling only.
 *
 * The HMAC is passed in. Delivery ids begin with the instant of their event, so age needs no field.
 */
import { createdAtMsOf } from './identity.ts'

/** HMAC-SHA256 of the message under the secret: 32 bytes. */
export type Mac = (secret: Uint8Array, message: Uint8Array) => Uint8Array

export interface LinkKey {
  /** From 0 to 255. */
  id: number
  secret: Uint8Array
}

/** All keys verify. */
export interface LinkVerifying {
  keys: readonly LinkKey[]
  mac: Mac
}

/** The first key signs: so a key is replaced by putting the new one first, and taken out when its links are old. */
export interface LinkSigning extends LinkVerifying {
  keys: readonly [LinkKey, ...LinkKey[]]
}

export type SignedLink =
  | { kind: 'open'; deliveryId: string }
  /** `linkIndex`: which link of the message, counted from 1. `url`: http or https. */
  | { kind: 'click'; deliveryId: string; linkIndex: number; url: string }
  /** Leaves a category by email. */
  | { kind: 'unsubscribe'; deliveryId: string; userId: number; category: string }
  | { kind: 'preferences'; deliveryId: string; userId: number }
  /** What an app may report about one push. */
  | { kind: 'app_feedback'; deliveryId: string }

export type LinkKind = SignedLink['kind']
export type LinkOf<Kind extends LinkKind> = Extract<SignedLink, { kind: Kind }>

/** `malformed`: none of ours, or of another kind. `unknown_key`: signed by a key that was taken out, or by nobody. */
export type LinkRefusal = 'malformed' | 'unknown_key' | 'forged' | 'expired'

export type VerifiedLink<Kind extends LinkKind> =
  | { kind: 'valid'; link: LinkOf<Kind> }
  | { kind: 'refused'; reason: LinkRefusal }

const dayMs = 86_400_000

/**
 * How old an event may be when its links are followed, in ms. A message may go out 27 days after its event (sendAt and
 * time to live together); reports are of use as long as the rows of deliveries are kept. Whoever finds an old mail can
 * still leave, and still reaches the shop; the page that changes everything closes earlier.
 */
export const linkAgeLimitMs: Record<LinkKind, number> = {
  open: 45 * dayMs,
  click: 400 * dayMs,
  unsubscribe: 400 * dayMs,
  preferences: 90 * dayMs,
  app_feedback: 45 * dayMs,
}

const formatVersion = 1
const kindNumbers: Record<LinkKind, number> = { open: 1, click: 2, unsubscribe: 3, preferences: 4, app_feedback: 5 }

const headBytes = 2
const deliveryIdBytes = 16
const linkIndexBytes = 2
/** Safe integers have 53 bits. */
const userIdBytes = 7
const macBytes = 16

export const linkIndexMax = 65_535

/** @returns of a click `<token>/<base64url of the URL>`, else the token: characters that a URL's path takes as they are. */
export function signLink(link: SignedLink, { keys: [key], mac }: LinkSigning): string {
  const signed = concatenated([headOf(link.kind, key), fieldsOf(link)])
  const behind = bytesBehind(link)
  const code = mac(key.secret, concatenated([signed, behind])).subarray(0, macBytes)
  const token = toBase64url(concatenated([signed, code]))
  return link.kind === 'click' ? `${token}/${toBase64url(behind)}` : token
}

/**
 * @param text as `signLink` made it, or as anybody wrote it.
 * @param nowMs Unix ms.
 */
export function verifyLink<Kind extends LinkKind>(
  kind: Kind,
  text: string,
  { keys, mac }: LinkVerifying,
  nowMs: number,
): VerifiedLink<Kind> {
  const read = readText(kind, text)
  if (read === undefined) return { kind: 'refused', reason: 'malformed' }
  const key = keys.find(({ id }) => id === read.keyId)
  if (key === undefined) return { kind: 'refused', reason: 'unknown_key' }
  const expected = mac(key.secret, concatenated([read.signed, read.behind])).subarray(0, macBytes)
  if (!isEqualInConstantTime(expected, read.code)) return { kind: 'refused', reason: 'forged' }
  const link = readFields(kind, read.signed.subarray(headBytes), read.behind)
  if (nowMs - createdAtMsOf(link.deliveryId) > linkAgeLimitMs[kind]) return { kind: 'refused', reason: 'expired' }
  return { kind: 'valid', link }
}

interface ReadText {
  keyId: number
  /** Head and fields. */
  signed: Uint8Array
  behind: Uint8Array
  code: Uint8Array
}

/** Undefined for what `signLink` cannot have made for this kind, whoever signed it. */
function readText(kind: LinkKind, text: string): ReadText | undefined {
  const slash = text.indexOf('/')
  if ((slash !== -1) !== (kind === 'click')) return undefined
  const token = fromBase64url(slash === -1 ? text : text.slice(0, slash))
  const behind = slash === -1 ? new Uint8Array() : fromBase64url(text.slice(slash + 1))
  if (token === undefined || behind === undefined) return undefined
  const signed = token.subarray(0, Math.max(0, token.length - macBytes))
  const [version, keyId] = signed
  if (version !== headByteOf(kind) || keyId === undefined) return undefined
  if (!isLengthOf(kind, signed.length - headBytes)) return undefined
  return { keyId, signed, behind, code: token.subarray(signed.length) }
}

function isLengthOf(kind: LinkKind, fieldBytes: number): boolean {
  switch (kind) {
    case 'open':
    case 'app_feedback':
      return fieldBytes === deliveryIdBytes
    case 'click':
      return fieldBytes === deliveryIdBytes + linkIndexBytes
    case 'unsubscribe':
      return fieldBytes > deliveryIdBytes + userIdBytes
    case 'preferences':
      return fieldBytes === deliveryIdBytes + userIdBytes
  }
}

function headOf(kind: LinkKind, key: LinkKey): Uint8Array {
  return Uint8Array.of(headByteOf(kind), key.id)
}

function headByteOf(kind: LinkKind): number {
  return (formatVersion << 4) | kindNumbers[kind]
}

function fieldsOf(link: SignedLink): Uint8Array {
  const deliveryId = Buffer.from(link.deliveryId.replaceAll('-', ''), 'hex')
  switch (link.kind) {
    case 'open':
    case 'app_feedback':
      return deliveryId
    case 'click':
      return concatenated([deliveryId, wholeNumberBytes(link.linkIndex, linkIndexBytes)])
    case 'unsubscribe': {
      const userId = wholeNumberBytes(link.userId, userIdBytes)
      return concatenated([deliveryId, userId, Buffer.from(link.category, 'utf8')])
    }
    case 'preferences':
      return concatenated([deliveryId, wholeNumberBytes(link.userId, userIdBytes)])
  }
}

function bytesBehind(link: SignedLink): Uint8Array {
  return link.kind === 'click' ? Buffer.from(link.url, 'utf8') : new Uint8Array()
}

/** Only of what was verified: its lengths are right, and its texts are those that were signed. */
function readFields<Kind extends LinkKind>(kind: Kind, fields: Uint8Array, behind: Uint8Array): LinkOf<Kind> {
  const deliveryId = uuidOf(fields.subarray(0, deliveryIdBytes))
  const rest = fields.subarray(deliveryIdBytes)
  const read = (): SignedLink => {
    // Narrowed anew: a type parameter is not.
    const wanted: LinkKind = kind
    switch (wanted) {
      case 'open':
      case 'app_feedback':
        return { kind: wanted, deliveryId }
      case 'click':
        return { kind: wanted, deliveryId, linkIndex: wholeNumberOf(rest), url: utf8Of(behind) }
      case 'unsubscribe': {
        const userId = wholeNumberOf(rest.subarray(0, userIdBytes))
        return { kind: wanted, deliveryId, userId, category: utf8Of(rest.subarray(userIdBytes)) }
      }
      case 'preferences':
        return { kind: wanted, deliveryId, userId: wholeNumberOf(rest) }
    }
  }
  // `read` returns the member of the union whose kind was asked for.
  return read() as LinkOf<Kind>
}

/** Big-endian. */
function wholeNumberBytes(value: number, length: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0 || value >= 2 ** (8 * length)) {
    throw new RangeError(`a link has ${length} bytes for a whole number that does not fit them`)
  }
  const bytes = new Uint8Array(length)
  for (let place = length - 1, left = value; place >= 0; place -= 1, left = Math.floor(left / 256)) {
    bytes[place] = left % 256
  }
  return bytes
}

function wholeNumberOf(bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0)
}

function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

function utf8Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}

function toBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

/** Undefined unless it is the one spelling of its bytes: Buffer skips what it does not know, and ignores left-over bits. */
function fromBase64url(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return text !== '' && toBase64url(bytes) === text ? bytes : undefined
}

/** Looks at every byte, whatever differs first: the time that it takes tells nothing about the right code. */
function isEqualInConstantTime(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  let difference = 0
  for (const [index, byte] of one.entries()) difference |= byte ^ (other[index] ?? 0)
  return difference === 0
}
