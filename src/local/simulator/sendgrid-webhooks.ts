/**
 * SendGrid's Event Webhook as it is on the wire: a JSON array of events, signed by ECDSA on P-256 over the timestamp and
 * the body (twilio.com/docs/sendgrid/for-developers/tracking-events).
 */
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { WebhookEntry } from './webhook-ledger.ts'
import type { Report } from './webhook-rules.ts'
import type { WebhookCall } from './webhook-sender.ts'

export interface SendgridSigner {
  /** As SendGrid's console shows it: base64 of DER. */
  publicKey: string
  privateKey: KeyObject
}

export function createSendgridSigner(): SendgridSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return { publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'), privateKey }
}

/** One event of a batch. */
export function sendgridEventOf(entry: WebhookEntry, { fields }: Pick<Report, 'fields'>): Record<string, unknown> {
  return {
    email: entry.address,
    timestamp: Math.floor(entry.occurredAtMs / 1_000),
    'smtp-id': `<${entry.providerMessageId}@geopod-ismtpd-1>`,
    event: entry.event,
    category: [],
    sg_event_id: entry.eventId,
    sg_message_id: `${entry.providerMessageId}.recvd-5f54b5d587-1-67BADEEA-6.0`,
    // Custom arguments stand beside SendGrid's own fields.
    ...(entry.deliveryId === null ? {} : { deliveryId: entry.deliveryId }),
    ...usualFieldsOf(entry.event),
    ...fields,
  }
}

/** @param nowMs when the batch is posted, which is signed. */
export function sendgridCall(
  events: readonly Record<string, unknown>[],
  { signer, url, nowMs }: { signer: SendgridSigner; url: string; nowMs: number },
): WebhookCall {
  const body = JSON.stringify(events)
  const timestamp = String(Math.floor(nowMs / 1_000))
  const signature = createSign('sha256').update(timestamp).update(body).sign(signer.privateKey, 'base64')
  return {
    url,
    headers: {
      'content-type': 'application/json;charset=utf-8',
      'user-agent': 'SendGrid Event API',
      'x-twilio-email-event-webhook-signature': signature,
      'x-twilio-email-event-webhook-timestamp': timestamp,
    },
    body,
  }
}

function usualFieldsOf(event: string): Record<string, unknown> {
  switch (event) {
    case 'delivered':
      return { response: '250 OK', ip: '192.0.2.1', tls: 1 }
    case 'bounce':
      return {
        type: 'bounce',
        status: '5.1.1',
        reason: '550 5.1.1 no such user',
        bounce_classification: 'Invalid Address',
      }
    case 'dropped':
      return { reason: 'Bounced Address' }
    case 'deferred':
      return { response: '400 try again later', attempt: '1' }
    case 'open':
      return { sg_machine_open: false, useragent: 'Mozilla/5.0', ip: '192.0.2.2', sg_content_type: 'html' }
    case 'click':
      return { url: 'https://shop.example.com/', url_offset: { index: 0, type: 'html' }, useragent: 'Mozilla/5.0' }
    default:
      return {}
  }
}
