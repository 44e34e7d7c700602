/**
 * Which texts can be the address of a person: basic validation at the doors where contact data comes in.
 *
 * It keeps out what no provider could ever take and what would break a header, a path or an index. Whether an address
 * exists only the provider knows, so none of these rules may refuse one that some provider accepts today.
 */
import { parsePhoneNumberFromString } from 'libphonenumber-js'
import type { Device } from './profile.ts'

/** RFC 5321, section 4.5.3.1, in octets: local part, domain, and a path of 256 less its angle brackets. */
const emailOctets = { local: 64, domain: 255, whole: 254 }

/** RFC 1035, section 2.3.4, in octets. */
const maxDomainLabelOctets = 63

/** FCM and APNs set no limit. Twelve times what they issue today, and within what a Postgres index takes (2704 bytes). */
const maxDeviceTokenCharacters = 2048

/**
 * Whether the text is a telephone number in E.164, exactly as the providers want it: plus, country code, number, no
 * spaces. The country must exist and the length be possible there. Ranges are not checked: new ones are opened all the
 * time, and the numbering plans of the library are as old as its release.
 */
export function isE164(text: string): boolean {
  if (!/^\+[1-9]\d{5,14}$/.test(text)) return false
  const number = parsePhoneNumberFromString(text)
  // The library drops what it takes for a national prefix: then what it means is not what was written.
  return number !== undefined && number.number === text && number.isPossible()
}

/**
 * Whether the text is one email address: `local@domain`, within RFC 5321's lengths, a domain with a dot, and none of the
 * characters that separate or quote in headers. Quoted local parts and domains in brackets are valid and not taken:
 * nobody signs up with one, and they are the way to smuggle a second address in.
 */
export function isEmailAddress(text: string): boolean {
  // Control characters, separators of any script, and lone surrogates among them.
  if (/[\p{C}\p{Z}"(),:;<>[\\\]]/u.test(text)) return false
  const [local = '', domain = '', ...more] = text.split('@')
  if (more.length > 0 || local === '') return false
  if (octetsOf(local) > emailOctets.local || octetsOf(domain) > emailOctets.domain) return false
  return octetsOf(text) <= emailOctets.whole && isDomain(domain)
}

/**
 * Whether the text can be a token of that platform: whole bytes in hex for APNs, which puts them into a path; printable
 * ASCII without spaces for FCM (base64url and colons today). Their lengths are the platforms' to change.
 */
export function isDeviceToken(platform: Device['platform'], text: string): boolean {
  return text.length <= maxDeviceTokenCharacters && tokenForms[platform].test(text)
}

const tokenForms: Record<Device['platform'], RegExp> = {
  ios: /^([0-9a-f]{2})+$/i,
  android: /^[\x21-\x7e]+$/,
}

/** At least two labels of letters, digits and inner hyphens; letters of any script, as internationalised domains have. */
function isDomain(text: string): boolean {
  const labels = text.split('.')
  return labels.length >= 2 && labels.every(isDomainLabel)
}

function isDomainLabel(label: string): boolean {
  return (
    octetsOf(label) <= maxDomainLabelOctets && /^[\p{L}\p{M}\p{N}]([\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?$/u.test(label)
  )
}

function octetsOf(text: string): number {
  return new TextEncoder().encode(text).length
}
