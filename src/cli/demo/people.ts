/**
 * People of the closed loop at work: they read their mail in the simulator's ledger and follow its links over HTTP, as
 * mail programs do; they text our number, and turn things off on their page.
 */
import type { Deed } from '../../local/demo/reactions.ts'
import type { MadeReport } from '../../local/reconciliation/evidence.ts'
import type { LedgerEntry } from '../../local/simulator/ledger.ts'
import type { Webhooks } from '../../local/simulator/webhooks.ts'

export interface ReceivedMessage {
  deliveryId: string
  /** The call that brought it. */
  call: LedgerEntry
}

export interface DoingOptions {
  /** As links in messages begin. */
  publicUrl: string
  /** Where the edge really listens. */
  edgeUrl: string
  webhooks: Webhooks
}

/** A mail program of today; and what Apple's privacy proxy calls itself. */
const userAgents = {
  person: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko)',
  proxy: 'Mozilla/5.0',
} as const

/** An answer later than this is none. */
const answerLimitMs = 10_000

/** @returns what it has to be told as. Throws where the edge answers otherwise than it should. */
export async function act(deed: Deed, received: ReceivedMessage, options: DoingOptions): Promise<MadeReport[]> {
  const { deliveryId, call } = received
  const { parameters = {} } = call.content
  const html = parameters['text/html'] ?? ''
  switch (deed) {
    case 'open':
      await visit(linkIn(html, '/o/', options), { expected: 200, ...options })
      return [{ kind: 'opened', deliveryId }]
    case 'open_by_proxy':
      await visit(linkIn(html, '/o/', options), { expected: 200, userAgent: userAgents.proxy, ...options })
      return []
    case 'click':
      await visit(linkIn(html, '/c/', options), { expected: 302, ...options })
      return [{ kind: 'clicked', deliveryId }]
    case 'unsubscribe_by_one_click': {
      const link = linkIn(parameters['headers.List-Unsubscribe'] ?? '', '/u/', options)
      await visit(link, { expected: 200, form: { 'List-Unsubscribe': 'One-Click' }, ...options })
      return [{ kind: 'unsubscribed', deliveryId }]
    }
    case 'unsubscribe_on_page':
      await visit(linkIn(html, '/p/', options), {
        expected: 303,
        form: { do: 'all-off', locale: '', time_zone: '' },
        ...options,
      })
      return [{ kind: 'unsubscribed', deliveryId }]
    case 'text_stop':
      options.webhooks.text({ from: call.address, body: 'STOP' })
      return []
    // The provider does it, and by itself.
    case 'bounce':
    case 'lose_token':
      return []
  }
}

function linkIn(text: string, path: string, { publicUrl }: DoingOptions): string {
  const start = text.indexOf(`${publicUrl}${path}`)
  const link = start === -1 ? undefined : /^[^\s"'<>]+/.exec(text.slice(start))?.[0]
  if (link === undefined) throw new Error(`the message holds no link to ${path}`)
  return link
}

interface Visit extends DoingOptions {
  expected: number
  userAgent?: string
  /** Posted; without it the link is followed. */
  form?: Readonly<Record<string, string>>
}

async function visit(link: string, { expected, userAgent = userAgents.person, form, ...where }: Visit): Promise<void> {
  const url = link.replace(where.publicUrl, where.edgeUrl)
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { 'user-agent': userAgent },
    signal: AbortSignal.timeout(answerLimitMs),
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  })
  await response.arrayBuffer()
  if (response.status !== expected) {
    throw new Error(`the edge answered ${response.status} and not ${expected} to ${new URL(url).pathname.slice(0, 3)}…`)
  }
}
