/**
 * What an FCM project needs to be known by: a service account, or an access token that something else keeps fresh.
 */
import { createPrivateKey } from 'node:crypto'
import { z } from 'zod'
import { inlineOrFile } from '../inline-or-file.ts'
import { authorityPem, tlsEndpoint } from '../tls-settings.ts'

/** Google recommends at least 10 s (firebase.google.com/docs/cloud-messaging/scale-fcm). */
const defaultTimeoutMs = 10_000
/** firebase-admin itself gives up after 15 s of silence: a longer time-out would promise what it cannot keep. */
const maxTimeoutMs = 15_000

export const fcmSettings = z
  .object({
    projectId: z.string().regex(/^[a-z][a-z0-9.:-]{3,61}[a-z0-9]$/, 'expected the id of a Firebase project'),
    serviceAccount: inlineOrFile({
      beginning: '{',
      expectation: 'the JSON key of a service account',
      check: (text) => parseServiceAccount(text) !== undefined,
    }).optional(),
    /** Sent as it is on every call: for the simulator, and for proxies that authenticate themselves. */
    accessToken: z.string().min(1).optional(),
    /** Instead of fcm.googleapis.com; its certificate must still be good for that name. */
    endpoint: tlsEndpoint.optional(),
    /** Instead of the public certificate authorities. */
    ca: authorityPem.optional(),
    /** For one call, from its start to the end of its answer, the wait for a connection and an access token included. */
    timeoutMs: z.coerce.number().int().min(100).max(maxTimeoutMs).default(defaultTimeoutMs),
  })
  .refine((settings) => (settings.serviceAccount === undefined) !== (settings.accessToken === undefined), {
    path: ['serviceAccount'],
    message: 'expected either a service account or an access token',
    // Also beside other faults: all of them are told at once.
    when: () => true,
  })

export type FcmSettings = z.output<typeof fcmSettings>

const serviceAccountKey = z.object({
  project_id: z.string().min(1),
  client_email: z.string().min(1),
  // Checked here, so that a failure to fetch a token can only be the network's or the account's.
  private_key: z.string().refine(isPrivateKey),
})

/** @returns undefined unless the text is the JSON key of a service account. */
export function parseServiceAccount(text: string): z.output<typeof serviceAccountKey> | undefined {
  try {
    return serviceAccountKey.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

function isPrivateKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa'
  } catch {
    return false
  }
}
