/**
 * Twilio's webhooks as they are on the wire: a form, signed over the URL that it is for and its parameters
 * (twilio.com/docs/usage/webhooks/webhooks-security).
 */
import { createHmac } from 'node:crypto'
import type { Report } from './webhook-rules.ts'
import type { WebhookEntry } from './webhook-ledger.ts'
import type { WebhookCall } from './webhook-sender.ts'

export interface TwilioAccount {
  accountSid: string
  authToken: string
  /** Ours: what people text to. */
  number: string
}

/** @param callback the StatusCallback of the message. */
export function twilioStatusCall(
  { event, providerMessageId, address }: WebhookEntry,
  { fields }: Pick<Report, 'fields'>,
  { account, callback }: { account: TwilioAccount; callback: string },
): WebhookCall {
  return signed(callback, account, {
    AccountSid: account.accountSid,
    ApiVersion: '2010-04-01',
    From: account.number,
    MessageSid: providerMessageId,
    MessageStatus: event,
    SmsSid: providerMessageId,
    SmsStatus: event,
    To: address,
    ...textsOf(fields),
  })
}

export interface InboundText {
  /** E.164. */
  from: string
  body: string
  /** What Advanced Opt-Out recognised: `STOP`, `START` or `HELP`. */
  optOutType?: string | undefined
}

export function twilioInboundCall(
  { providerMessageId }: WebhookEntry,
  { from, body, optOutType }: InboundText,
  { account, url }: { account: TwilioAccount; url: string },
): WebhookCall {
  return signed(url, account, {
    AccountSid: account.accountSid,
    ApiVersion: '2010-04-01',
    Body: body,
    From: from,
    FromCountry: 'US',
    MessageSid: providerMessageId,
    NumMedia: '0',
    NumSegments: '1',
    SmsMessageSid: providerMessageId,
    SmsSid: providerMessageId,
    SmsStatus: 'received',
    To: account.number,
    ...(optOutType === undefined ? {} : { OptOutType: optOutType }),
  })
}

function signed(url: string, { authToken }: TwilioAccount, parameters: Record<string, string>): WebhookCall {
  const names = Object.keys(parameters).toSorted()
  const data = names.reduce((text, name) => text + name + (parameters[name] ?? ''), url)
  return {
    url,
    headers: {
      'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
      'user-agent': 'TwilioProxy/1.1',
      'x-twilio-signature': createHmac('sha1', authToken).update(data).digest('base64'),
    },
    body: new URLSearchParams(parameters).toString(),
  }
}

function textsOf(fields: Report['fields']): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
}
