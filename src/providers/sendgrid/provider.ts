/**
 * Email through SendGrid's v3 Mail Send.
 *
 * One mail per call: a call of several would be answered as one, and a single bad address would refuse all of them.
 * SendGrid has no idempotency key: a call without an answer is `unknown` and never repeated here.
 */
import type { OutgoingMessage, Outcome, Provider } from '../../domain/provider.ts'
import { outcomeOfUnanswered, startCallDeadline } from '../call-deadline.ts'
import { classifyAnswer } from './classify.ts'
import { createSendgridClient, type SendgridMail } from './client.ts'
import type { SendgridSettings } from './config.ts'

/** @param clock.now Unix ms. */
export function createSendgridProvider(settings: SendgridSettings, clock: { now: () => number }): Provider<'email'> {
  const client = createSendgridClient(settings)
  const from = { email: settings.from, ...(settings.fromName === undefined ? {} : { name: settings.fromName }) }

  async function sendOne(outgoing: OutgoingMessage<'email'>, signal: AbortSignal): Promise<Outcome> {
    using deadline = startCallDeadline(settings.timeoutMs, signal)
    const result = await client.sendMail(mailOf(outgoing, from), deadline.signal)
    return result.kind === 'answered' ? classifyAnswer(result.answer, clock.now()) : outcomeOfUnanswered(result.call)
  }

  return {
    name: 'sendgrid',
    channel: 'email',
    maxBatch: 1,
    send: (batch, signal) => Promise.all(batch.map((outgoing) => sendOne(outgoing, signal))),
    close: () => client.close(),
  }
}

/**
 * The address goes as an object: in text the SDK would look for `Name <address>`. JSON can carry lone surrogates but no
 * receiver can decode them, hence well-formed texts. The delivery id comes back with every event of the mail.
 */
function mailOf({ deliveryId, address, message }: OutgoingMessage<'email'>, from: SendgridMail['from']): SendgridMail {
  // Plain text first, as RFC 2046 orders alternatives by preference; SendGrid refuses an empty part.
  const parts = [
    { type: 'text/plain', value: message.text.toWellFormed() },
    { type: 'text/html', value: message.html.toWellFormed() },
  ].filter(({ value }) => value !== '')
  return {
    from,
    personalizations: [{ to: { email: address } }],
    subject: message.subject.toWellFormed(),
    // An own empty part where the message has none, so that SendGrid and not the SDK's types refuses it.
    content: [parts[0] ?? { type: 'text/plain', value: '' }, ...parts.slice(1)],
    headers: message.headers,
    customArgs: { deliveryId },
    ...(message.tracked ? { trackingSettings: noTracking } : {}),
  }
}

/** A second pixel and a second redirect would tell everything twice. Whatever the account is set to, this wins. */
const noTracking = {
  clickTracking: { enable: false, enableText: false },
  openTracking: { enable: false },
  subscriptionTracking: { enable: false },
}
