/**
 * What a SendGrid account needs to be known by.
 */
import { createPublicKey } from 'node:crypto'
import { z } from 'zod'

/** SendGrid answers a mail in well under a second; it queues and sends it later. */
const defaultTimeoutMs = 10_000

const origin = z
  .url({ protocol: /^https?$/ })
  .refine((text) => !URL.canParse(text) || new URL(text).pathname === '/', 'expected no path')

const maxWebhookKeys = 4

export const sendgridSettings = z.object({
  /** The SDK would print a warning for a key of another form. */
  apiKey: z.string().regex(/^SG\.\S+$/, 'expected a key that begins with SG.'),
  /** A verified sender of the account. */
  from: z.email(),
  fromName: z.string().min(1).optional(),
  /** For the EU (`https://api.eu.sendgrid.com`) or the simulator. */
  endpoint: origin.default('https://api.sendgrid.com'),
  timeoutMs: z.coerce.number().int().min(100).max(60_000).default(defaultTimeoutMs),
  /** Verification keys of the Event Webhook. While one is replaced there are two. */
  webhookPublicKey: z
    .string()
    .transform((list) => list.split(',').map((key) => key.trim()))
    .pipe(z.array(z.string().refine(isVerificationKey)).max(maxWebhookKeys))
    .optional(),
})

export type SendgridSettings = z.output<typeof sendgridSettings>

/** All that the edge has to know. Nothing is checked without a key. */
export const sendgridWebhookSettings = sendgridSettings.pick({ webhookPublicKey: true })

export type SendgridWebhookSettings = z.output<typeof sendgridWebhookSettings>

/** As SendGrid shows it: base64 of DER, on the curve P-256. */
function isVerificationKey(text: string): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' })
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
  } catch {
    return false
  }
}
