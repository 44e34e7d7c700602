/**
 * Webhooks as the providers send them, signed by their own official code, of which a test says only what matters to it.
 */
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { getExpectedTwilioSignature } from 'twilio/lib/webhooks/webhooks.js'
import type { WebhookRequest } from '../../../src/domain/webhook.ts'

export const twilioToken = 'a-token-of-the-account'
export const webhookDeliveryId = '01996b1e-0c7b-8000-8000-000000000001'
export const messageSid = `SM${'0123456789abcdef'.repeat(2)}`
export const callbackUrl = `https://edge.example.com/webhooks/twilio/status?delivery=${webhookDeliveryId}`
export const inboundUrl = 'https://edge.example.com/webhooks/twilio/inbound'

/** What Twilio sends with every status callback, but for the status. */
export const callbackParameters = {
  AccountSid: `AC${'1'.repeat(32)}`,
  ApiVersion: '2010-04-01',
  From: '+15005550006',
  MessageSid: messageSid,
  SmsSid: messageSid,
  To: '+14155550100',
}

export interface TwilioForm {
  url: string
  parameters: Record<string, string>
  token?: string
}

export function signedForm({ url, parameters, token = twilioToken }: TwilioForm): WebhookRequest {
  return {
    url,
    headers: { 'x-twilio-signature': getExpectedTwilioSignature(token, url, parameters) },
    body: Buffer.from(new URLSearchParams(parameters).toString()),
  }
}

export function signedCallback(status: string, parameters: Record<string, string> = {}): WebhookRequest {
  const form = { ...callbackParameters, MessageStatus: status, SmsStatus: status, ...parameters }
  return signedForm({ url: callbackUrl, parameters: form })
}

export function signedText(body: string, parameters: Record<string, string> = {}): WebhookRequest {
  const form = { MessageSid: messageSid, From: '+14155550100', To: '+15005550006', Body: body, ...parameters }
  return signedForm({ url: inboundUrl, parameters: form })
}

export interface SendgridKeys {
  privateKey: KeyObject
  /** As SendGrid shows it. */
  publicKey: string
}

export function sendgridKeys(): SendgridKeys {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return { privateKey, publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64') }
}

export interface SignedBatch {
  events: unknown
  keys: SendgridKeys
  /** Unix ms. */
  atMs: number
}

export function signedBatch({ events, keys, atMs }: SignedBatch): WebhookRequest {
  const timestamp = String(Math.floor(atMs / 1_000))
  const body = Buffer.from(typeof events === 'string' ? events : JSON.stringify(events))
  const signature = createSign('sha256').update(timestamp).update(body).sign(keys.privateKey, 'base64')
  return {
    url: 'https://edge.example.com/webhooks/sendgrid/events',
    headers: {
      'x-twilio-email-event-webhook-signature': signature,
      'x-twilio-email-event-webhook-timestamp': timestamp,
    },
    body,
  }
}

/** An event as SendGrid documents it. */
export function sendgridEvent(event: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    email: 'person@example.com',
    event,
    timestamp: 1_700_000_000,
    sg_event_id: `event-of-${event}`,
    sg_message_id: 'euo2iKxdSayPF4YE4--I7A.recvd-5f54b5d587-pczjm-1-67BADEEA-6.0',
    'smtp-id': '<14c5d75ce93.dfd.64b469@ismtpd-555>',
    deliveryId: webhookDeliveryId,
    ...fields,
  }
}
