/**
 * APNs's check of the provider token, the ES256 JWT that authenticates every request ("Establishing a token-based
 * connection to APNs"): signed by the team's key, named by `kid` and `iss`, and issued within the last hour.
 */
import { verify, type KeyObject } from 'node:crypto'

/** @returns the documented reason why the `authorization` header is refused, or undefined. */
export type ProviderTokenCheck = (authorization: string | undefined) => string | undefined

/** Apple: a token older than one hour is refused. */
const maxAgeMs = 3_600_000
/** Clocks differ; a token may come from a little in the future. */
const maxSkewMs = 60_000

export function createProviderTokenCheck(options: {
  publicKey: KeyObject
  keyId: string
  teamId: string
  now: () => number
}): ProviderTokenCheck {
  // A sender uses one token for many requests: the signature of the same text is verified once.
  let verifiedToken: string | undefined
  let issuedAtMs = 0

  return (authorization) => {
    const token = /^bearer (.+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) return 'MissingProviderToken'
    if (token !== verifiedToken) {
      const issued = verifiedIssueTimeMs(token, options)
      if (issued === undefined) return 'InvalidProviderToken'
      verifiedToken = token
      issuedAtMs = issued
    }
    const ageMs = options.now() - issuedAtMs
    if (ageMs > maxAgeMs) return 'ExpiredProviderToken'
    return ageMs < -maxSkewMs ? 'InvalidProviderToken' : undefined
  }
}

function verifiedIssueTimeMs(
  token: string,
  expected: { publicKey: KeyObject; keyId: string; teamId: string },
): number | undefined {
  const [header, claims, signature, ...more] = token.split('.')
  if (header === undefined || claims === undefined || signature === undefined || more.length > 0) return undefined
  const key = { key: expected.publicKey, dsaEncoding: 'ieee-p1363' } as const
  if (!verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url'))) return undefined
  const { alg, kid } = decoded(header)
  const { iss, iat } = decoded(claims)
  if (alg !== 'ES256' || kid !== expected.keyId || iss !== expected.teamId) return undefined
  return typeof iat === 'number' ? iat * 1000 : undefined
}

function decoded(
  part: string,
): Record<string, unknown> & { alg?: unknown; kid?: unknown; iss?: unknown; iat?: unknown } {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>
  } catch {
    return {}
  }
}
