/**
 * What a Twilio account needs to be known by.
 */
import { z } from 'zod'

/** Twilio answers a message in well under a second; it queues and sends it later. */
const defaultTimeoutMs = 10_000

const origin = z
  .url({ protocol: /^https?$/ })
  .refine((text) => !URL.canParse(text) || new URL(text).pathname === '/', 'expected no path')

export const twilioSettings = z.object({
  accountSid: z.string().regex(/^AC[0-9a-fA-F]{32}$/, 'expected AC and 32 hexadecimal digits'),
  authToken: z.string().min(1),
  /** The account's secondary token, while it is about to become the primary one, by which Twilio signs. */
  nextAuthToken: z.string().min(1).optional(),
  /** An own number, or a messaging service that chooses one of its numbers. */
  from: z
    .string()
    .regex(/^(\+[1-9]\d{6,14}|MG[0-9a-fA-F]{32})$/, 'expected an E.164 number, or MG and 32 hexadecimal digits'),
  /** For a region (`https://api.dublin.ie1.twilio.com`) or the simulator. */
  endpoint: origin.default('https://api.twilio.com'),
  timeoutMs: z.coerce.number().int().min(100).max(60_000).default(defaultTimeoutMs),
  /** Where Twilio reports what becomes of a message; the delivery id is added as a query parameter. */
  statusCallback: z.url({ protocol: /^https$/ }).optional(),
})

export type TwilioSettings = z.output<typeof twilioSettings>

/** All that the edge has to know. Nothing is checked without a token. */
export const twilioWebhookSettings = twilioSettings.pick({ authToken: true, nextAuthToken: true }).partial()

export type TwilioWebhookSettings = z.output<typeof twilioWebhookSettings>
