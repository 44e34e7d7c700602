/**
 * Push notifications to iOS devices through APNs.
 *
 * The delivery id goes along as `apns-id`, so that APNs's answer, its logs and our row speak of the same thing. It is
 * no idempotency key: APNs shows a repeated notification again, so a call without an answer is `unknown`.
 */
import { createHash } from 'node:crypto'
import apn from '@parse/node-apn'
import type { OutgoingMessage, Outcome, Provider } from '../../domain/provider.ts'
import { outcomeOfUnanswered, startCallDeadline } from '../call-deadline.ts'
import { classifyAnswer } from './classify.ts'
import { createApnsClient, type ApnsResult } from './client.ts'
import type { ApnsSettings } from './config.ts'

/** The calls of a batch run side by side over the one session, and its slowest one holds up the others' outcomes. */
const maxBatch = 100

/** Apple: `apns-collapse-id` is at most 64 bytes. A header takes no other characters than these. */
const collapseIdForm = /^[\x21-\x7e]{1,64}$/

/** Apple: tokens vary in length and must not be taken for a fixed one. In the path nothing but hex may stand. */
const deviceTokenForm = /^[0-9a-f]{2,400}$/i

/** @param clock.now Unix ms. */
export function createApnsProvider(settings: ApnsSettings, clock: { now: () => number }): Provider<'push'> {
  const client = createApnsClient(settings)
  const callsInFlight = new Set<Promise<ApnsResult>>()

  async function sendOne(outgoing: OutgoingMessage<'push'>, signal: AbortSignal): Promise<Outcome> {
    // What cannot be a token was refused by no one but us, and it will never become one.
    if (!deviceTokenForm.test(outgoing.address)) {
      return { kind: 'rejected', reason: 'invalid_address', invalidAddress: true }
    }
    using deadline = startCallDeadline(settings.timeoutMs, signal)
    const call = client.post(notificationOf(outgoing, settings.topic), outgoing.address, deadline.signal)
    callsInFlight.add(call)
    const result = await call
    callsInFlight.delete(call)
    return outcomeOf(result, clock.now())
  }

  return {
    name: 'apns',
    channel: 'ios',
    maxBatch,
    send: (batch, signal) => Promise.all(batch.map((outgoing) => sendOne(outgoing, signal))),
    async close() {
      // Bounded by the deadlines of the calls.
      await Promise.all(callsInFlight)
      client.close()
    },
  }
}

function outcomeOf(result: ApnsResult, nowMs: number): Outcome {
  if (result.kind === 'answered') return classifyAnswer(result.answer, nowMs)
  if (result.call.refused) return { kind: 'retry', reason: 'provider_unavailable' }
  return outcomeOfUnanswered(result.call)
}

function notificationOf(outgoing: OutgoingMessage<'push'>, topic: string): apn.Notification {
  const { title, body, callToAction, deepLink, feedbackToken } = outgoing.message
  const notification = new apn.Notification()
  notification.id = outgoing.deliveryId
  notification.topic = topic
  notification.pushType = 'alert'
  notification.priority = 10
  notification.expiry = Math.floor(outgoing.expiresAt / 1000)
  if (outgoing.collapseKey !== null) notification.collapseId = collapseIdOf(outgoing.collapseKey)
  notification.alert = { title, body }
  notification.payload = {
    deliveryId: outgoing.deliveryId,
    ...(callToAction === null ? {} : { callToActionTitle: callToAction.title, url: callToAction.url }),
    ...(deepLink === null ? {} : { deepLink }),
    ...(feedbackToken === null ? {} : { feedbackToken }),
  }
  return notification
}

/** A key that is no collapse id is hashed: equal keys still collapse. */
function collapseIdOf(collapseKey: string): string {
  if (collapseIdForm.test(collapseKey)) return collapseKey
  return createHash('sha256').update(collapseKey).digest('hex')
}
