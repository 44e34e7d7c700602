/**
 * SMS through Twilio's Programmable Messaging.
 *
 * Twilio has no idempotency key: a call without an answer is `unknown` and never repeated here.
 */
import type { OutgoingMessage, Outcome, Provider } from '../../domain/provider.ts'
import { outcomeOfUnanswered, startCallDeadline } from '../call-deadline.ts'
import { classifyRefusal } from './classify.ts'
import { createTwilioClient, TwilioCallFailed } from './client.ts'
import type { TwilioSettings } from './config.ts'
import { deliveryParameter } from './webhook.ts'

/** Twilio's bounds of ValidityPeriod, in seconds (twilio.com/docs/api/errors/90007, 21624). */
const validityPeriodSeconds = { min: 1, max: 36_000 }

/** @param clock.now Unix ms. */
export function createTwilioProvider(settings: TwilioSettings, clock: { now: () => number }): Provider<'sms'> {
  const client = createTwilioClient(settings)
  const sender = settings.from.startsWith('MG') ? { messagingServiceSid: settings.from } : { from: settings.from }

  async function sendOne(outgoing: OutgoingMessage<'sms'>, signal: AbortSignal): Promise<Outcome> {
    using deadline = startCallDeadline(settings.timeoutMs, signal)
    const message = {
      to: outgoing.address,
      body: outgoing.message.body,
      validityPeriod: validityPeriodOf(outgoing.expiresAt, clock.now()),
      ...sender,
      ...(settings.statusCallback === undefined
        ? {}
        : { statusCallback: callbackOf(settings.statusCallback, outgoing.deliveryId) }),
    }
    try {
      return { kind: 'accepted', providerMessageId: await client.createMessage(message, deadline.signal) }
    } catch (error) {
      if (error instanceof TwilioCallFailed) return outcomeOf(error, clock.now())
      throw error
    }
  }

  return {
    name: 'twilio',
    channel: 'sms',
    maxBatch: 1,
    send: (batch, signal) => Promise.all(batch.map((outgoing) => sendOne(outgoing, signal))),
    close: () => client.close(),
  }
}

function outcomeOf({ failure }: TwilioCallFailed, nowMs: number): Outcome {
  switch (failure.kind) {
    case 'refused':
      return classifyRefusal(failure.refusal, nowMs)
    case 'unanswered':
      return outcomeOfUnanswered(failure.call)
    case 'unreadable':
      return { kind: 'unknown', reason: 'unreadable_answer' }
  }
}

/** Whole seconds, rounded down: Twilio must not send after `expiresAt`. */
function validityPeriodOf(expiresAt: number, nowMs: number): number {
  const { min, max } = validityPeriodSeconds
  return Math.min(Math.max(Math.floor((expiresAt - nowMs) / 1000), min), max)
}

function callbackOf(statusCallback: string, deliveryId: string): string {
  const url = new URL(statusCallback)
  url.searchParams.set(deliveryParameter, deliveryId)
  return url.href
}
