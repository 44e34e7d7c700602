/**
 * Push notifications to Android devices through FCM's HTTP v1 API.
 *
 * FCM has no idempotency key: a call without an answer is `unknown` and never repeated here. The delivery id goes along
 * in the data, where the app can report what became of it.
 */
import type { Message } from 'firebase-admin/messaging'
import type { OutgoingMessage, Outcome, Provider } from '../../domain/provider.ts'
import { outcomeOfUnanswered, startCallDeadline } from '../call-deadline.ts'
import { classifyMissingToken, classifyRefusal } from './classify.ts'
import { createFcmClient, type FcmResult } from './client.ts'
import type { FcmSettings } from './config.ts'

/** The calls of a batch run side by side, and its slowest one holds up the others' outcomes. */
const maxBatch = 100

/** Firebase: a message lives at most four weeks. */
const longestTtlMs = 28 * 24 * 3_600_000

/** @param clock.now Unix ms. */
export function createFcmProvider(settings: FcmSettings, clock: { now: () => number }): Provider<'push'> {
  const client = createFcmClient(settings)
  const callsInFlight = new Set<Promise<FcmResult>>()

  async function sendOne(outgoing: OutgoingMessage<'push'>, signal: AbortSignal): Promise<Outcome> {
    // What cannot be a token was refused by no one but us, and it will never become one.
    if (outgoing.address === '') return { kind: 'rejected', reason: 'invalid_address', invalidAddress: true }
    using deadline = startCallDeadline(settings.timeoutMs, signal)
    const call = client.send(messageOf(outgoing, clock.now()), deadline.signal)
    callsInFlight.add(call)
    const result = await call
    callsInFlight.delete(call)
    return outcomeOf(result, clock.now())
  }

  return {
    name: 'fcm',
    channel: 'android',
    maxBatch,
    send: (batch, signal) => Promise.all(batch.map((outgoing) => sendOne(outgoing, signal))),
    async close() {
      // Bounded by the deadlines of the calls.
      await Promise.all(callsInFlight)
      await client.close()
    },
  }
}

function outcomeOf(result: FcmResult, nowMs: number): Outcome {
  switch (result.kind) {
    case 'accepted': {
      const providerMessageId = result.name?.split('/').at(-1)
      if (providerMessageId === undefined) return { kind: 'unknown', reason: 'unreadable_answer' }
      return { kind: 'accepted', providerMessageId }
    }
    case 'refused':
      return classifyRefusal(result.answer, nowMs)
    case 'unanswered':
      return outcomeOfUnanswered(result.call)
    case 'no_access_token':
      return classifyMissingToken(result.status)
    case 'invalid_message':
      return { kind: 'rejected', reason: 'refused' }
  }
}

function messageOf(outgoing: OutgoingMessage<'push'>, nowMs: number): Message {
  const { title, body, callToAction, deepLink, feedbackToken } = outgoing.message
  return {
    token: outgoing.address,
    notification: { title, body },
    data: {
      deliveryId: outgoing.deliveryId,
      ...(callToAction === null ? {} : { callToActionTitle: callToAction.title, url: callToAction.url }),
      ...(deepLink === null ? {} : { deepLink }),
      ...(feedbackToken === null ? {} : { feedbackToken }),
    },
    android: {
      priority: 'high',
      // Whole seconds, rounded down: FCM must not deliver after `expiresAt`.
      ttl: Math.min(Math.max(Math.floor((outgoing.expiresAt - nowMs) / 1000), 0) * 1000, longestTtlMs),
      ...(outgoing.collapseKey === null ? {} : { collapseKey: outgoing.collapseKey }),
    },
  }
}
