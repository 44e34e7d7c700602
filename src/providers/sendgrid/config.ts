/**
 * What a SendGrid account needs to be known by.
 */
import { z } from 'zod'

/** SendGrid answers a mail in well under a second; it queues and sends it later. */
const defaultTimeoutMs = 10_000

const origin = z
  .url({ protocol: /^https?$/ })
  .refine((text) => !URL.canParse(text) || new URL(text).pathname === '/', 'expected no path')

export const sendgridSettings = z.object({
  /** The SDK would print a warning for a key of another form. */
  apiKey: z.string().regex(/^SG\.\S+$/, 'expected a key that begins with SG.'),
  /** A verified sender of the account. */
  from: z.email(),
  fromName: z.string().min(1).optional(),
  /** For the EU (`https://api.eu.sendgrid.com`) or the simulator. */
  endpoint: origin.default('https://api.sendgrid.com'),
  timeoutMs: z.coerce.number().int().min(100).max(60_000).default(defaultTimeoutMs),
})

export type SendgridSettings = z.output<typeof sendgridSettings>
