/**
 * `Authorization: Basic` (RFC 7617), read strictly.
 */
export interface BasicCredentials {
  user: string
  password: string
}

const form = /^Basic +([A-Za-z0-9+/]+={0,2})$/i
const charactersMax = 1_024

/** @returns undefined where the header is missing or not of this scheme. */
export function readBasicCredentials(header: string | undefined): BasicCredentials | undefined {
  if (header === undefined || header.length > charactersMax) return undefined
  const encoded = form.exec(header)?.[1]
  if (encoded === undefined) return undefined
  const decoded = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  if (colon < 1) return undefined
  return { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}
