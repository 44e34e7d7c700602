/**
 * What an APNs account needs to be known by: token-based trust with a signing key (.p8) of the team.
 */
import { createPrivateKey } from 'node:crypto'
import { z } from 'zod'
import { inlineOrFile } from '../inline-or-file.ts'
import { authorityPem, tlsEndpoint } from '../tls-settings.ts'

/** APNs answers in tens of milliseconds; node-apn's default. */
const defaultTimeoutMs = 5_000

export const apnsSettings = z.object({
  signingKey: inlineOrFile({
    beginning: '-----BEGIN',
    expectation: 'an EC private key as PEM (the .p8 file)',
    check: isEcPrivateKey,
  }),
  keyId: z.string().regex(/^[0-9A-Z]{10}$/, 'expected 10 upper-case letters and digits'),
  teamId: z.string().regex(/^[0-9A-Z]{10}$/, 'expected 10 upper-case letters and digits'),
  /** The app's bundle id. */
  topic: z.string().regex(/^[\w.-]{1,255}$/, 'expected the bundle id of the app'),
  /** Device tokens belong to one of them: a sandbox token is a bad one in production. */
  environment: z.enum(['production', 'sandbox']).default('production'),
  /** Instead of Apple's host of the environment. */
  endpoint: tlsEndpoint.optional(),
  /** Instead of the public certificate authorities. */
  ca: authorityPem.optional(),
  /** For one call, from its start to the end of its answer. */
  timeoutMs: z.coerce.number().int().min(100).max(60_000).default(defaultTimeoutMs),
})

export type ApnsSettings = z.output<typeof apnsSettings>

function isEcPrivateKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'ec'
  } catch {
    return false
  }
}
