/**
 * Texts that people send to our numbers: whoever says stop hears nothing more by SMS.
 *
 * Twilio itself keeps a list by the same words and answers them (twilio.com/docs/messaging/tutorials/advanced-opt-out);
 * ours spares the call, and holds for another provider too. The words are Twilio's defaults and those of the FCC's rule
 * on revocation (47 CFR 64.1200(a)(10)); whatever Advanced Opt-Out recognised goes before them. The text is compared and
 * forgotten.
 */
import { isE164 } from '../../domain/contact-address.ts'
import type { ProviderFeedback } from '../../domain/provider-feedback.ts'
import type { HashAddress, Webhook, WebhookReading, WebhookRequest } from '../../domain/webhook.ts'
import { formLimitBytes, readSignedForm } from './signature.ts'

export const stopWords = ['stop', 'stopall', 'unsubscribe', 'cancel', 'end', 'quit', 'revoke', 'optout', 'opt out']
export const startWords = ['start', 'yes', 'unstop']
/** Twilio answers them; nothing changes. */
export const helpWords = ['help', 'info']

type Wish = 'stopped' | 'restarted' | 'help'

const wishOfWord = new Map<string, Wish>([
  ...stopWords.map((word) => [word, 'stopped'] as const),
  ...startWords.map((word) => [word, 'restarted'] as const),
  ...helpWords.map((word) => [word, 'help'] as const),
])

/** What Advanced Opt-Out of a messaging service recognised, in any language. */
const wishOfOptOutType: Readonly<Record<string, Wish>> = { STOP: 'stopped', START: 'restarted', HELP: 'help' }

const messageSidForm = /^(SM|MM)[0-9a-f]{32}$/i

/** @param tokens auth tokens of the account; any of them may have signed. */
export function createTwilioInboundWebhook(tokens: readonly string[], hashAddress: HashAddress): Webhook {
  function read(request: WebhookRequest, nowMs: number): WebhookReading {
    const form = readSignedForm(request, tokens)
    if (form.kind === 'refused') return form
    const { parameters, identity } = form
    const sid = parameters.get('MessageSid') ?? ''
    if (!messageSidForm.test(sid)) return { kind: 'refused', reason: 'unreadable' }
    const from = parameters.get('From') ?? ''
    const wish = wishOf(parameters)
    // Short codes and other channels have no number that we write to.
    if (wish === undefined || wish === 'help' || !isE164(from)) {
      return { kind: 'verified', identity, repeatableUntilMs: null, feedback: [], ignored: 1, unknown: 0 }
    }
    const feedback: ProviderFeedback = {
      feedbackId: sid,
      kind: wish,
      deliveryId: null,
      provider: 'twilio',
      providerMessageId: sid,
      channel: 'sms',
      addressHash: hashAddress('sms', from),
      category: null,
      permanent: null,
      reason: null,
      providerCode: null,
      linkId: null,
      automatic: false,
      invalidSince: null,
      occurredAt: nowMs,
      receivedAt: nowMs,
    }
    // Nothing in it says when it was made: a START of last year would undo the STOP of today.
    return { kind: 'verified', identity, repeatableUntilMs: null, feedback: [feedback], ignored: 0, unknown: 0 }
  }

  return { provider: 'twilio', path: '/webhooks/twilio/inbound', bodyLimitBytes: formLimitBytes, read }
}

function wishOf(parameters: ReadonlyMap<string, string>): Wish | undefined {
  const type = parameters.get('OptOutType') ?? ''
  if (Object.hasOwn(wishOfOptOutType, type)) return wishOfOptOutType[type]
  return wishOfWord.get(wordsOf(parameters.get('Body') ?? ''))
}

/** `“Stop.”` is a stop, and so are `OPT-OUT` and `opt   out`; "stop by on Friday" is not. */
function wordsOf(body: string): string {
  return (
    body
      .normalize('NFKC')
      .toLowerCase()
      .match(/\p{L}+/gu)
      ?.join(' ') ?? ''
  )
}
