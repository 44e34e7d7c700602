/**
 * Twilio's signature on a webhook: HMAC-SHA1 by the account's auth token over the public URL and the form's parameters,
 * sorted by name, names and values joined without anything between (twilio.com/docs/usage/webhooks/webhooks-security).
 *
 * It holds no time, and the parameters may stand in the body in any order: what identifies a request is what was signed.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { WebhookRefusal, WebhookRequest } from '../../domain/webhook.ts'

export type SignedForm =
  | {
      kind: 'verified'
      parameters: ReadonlyMap<string, string>
      /** Of the URL. */
      query: URLSearchParams
      /** What was signed. */
      identity: Uint8Array
    }
  | { kind: 'refused'; reason: WebhookRefusal }

/** A form of Twilio's is about 1 KB, with a text of 1,600 characters percent-encoded at most 15 KB. */
export const formLimitBytes = 64 * 1024

const signatureHeader = 'x-twilio-signature'

/** @param tokens any of them may have signed: while a token is replaced there are two. */
export function readSignedForm({ url, headers, body }: WebhookRequest, tokens: readonly string[]): SignedForm {
  const signature = headers[signatureHeader]
  if (signature === undefined) return { kind: 'refused', reason: 'unsigned' }
  const fields = [...new URLSearchParams(Buffer.from(body).toString('utf8'))]
  const parameters = new Map(fields)
  // Twilio names each once. Of two with one name, the signature might be over one and the meaning be the other's.
  if (parameters.size !== fields.length) return { kind: 'refused', reason: 'forged' }
  const sorted = [...parameters].toSorted(([one], [other]) => (one < other ? -1 : 1))
  const joined = sorted.map(([name, value]) => name + value).join('')
  const given = Buffer.from(signature)
  const isGenuine = tokens.some((token) =>
    spellingsOf(url).some((spelling) => isSame(given, signatureOf(token, spelling + joined))),
  )
  if (!isGenuine) return { kind: 'refused', reason: 'forged' }
  return { kind: 'verified', parameters, query: new URL(url).searchParams, identity: Buffer.from(url + joined) }
}

function signatureOf(token: string, signed: string): Buffer {
  return Buffer.from(createHmac('sha1', token).update(signed, 'utf8').digest('base64'))
}

/** In constant time; the length is the algorithm's and no secret. */
function isSame(given: Buffer, expected: Buffer): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** Twilio's back ends sign the port of the URL or leave it out, whatever the URL says; its own helper tries both. */
function spellingsOf(url: string): string[] {
  const [, scheme = '', host = '', port, rest = ''] = /^(https?:\/\/)([^/?#]*?)(:\d+)?([/?#].*|)$/i.exec(url) ?? []
  const impliedPort = scheme.toLowerCase() === 'https://' ? ':443' : ':80'
  return [`${scheme}${host}${rest}`, `${scheme}${host}${port ?? impliedPort}${rest}`]
}
