/**
 * Stage 4, render: the pinned version of the template with the event's data, in liquid, and the links of this delivery.
 *
 * Contents are immutable, so they are loaded and parsed once and kept. Loading comes before the claim, since it may fail
 * for a lost database; rendering is synchronous and comes after it.
 */
import { LRUCache } from 'lru-cache'
import { requestChannelOf, type RequestChannel } from '../../domain/channel.ts'
import type { DeliveryCommand } from '../../domain/delivery-command.ts'
import type { Message, MessageOf } from '../../domain/message.ts'
import type { LinkedDelivery, MessageLinks } from '../../domain/message-links.ts'
import { smsCharactersMax } from '../../domain/sms-segments.ts'
import type { TemplateContent } from '../../domain/template.ts'
import { createLiquidEngine, type LiquidEngine, type ParsedContent } from '../templates/liquid.ts'
import { trackedEmail } from '../templates/tracked-email.ts'
import type { Rendered, Renderer } from './ports.ts'

export interface TemplateKey {
  templateId: string
  version: number
  channel: RequestChannel
  locale: string
}

/** The contents asked for, in order; undefined where there is none. */
export type LoadContents = (keys: readonly TemplateKey[]) => Promise<readonly (TemplateContent | undefined)[]>

const cachedContentsMax = 2_000

/** @param linksOf undefined where no links are put into messages. */
export function createRenderer(
  load: LoadContents,
  linksOf: ((delivery: LinkedDelivery) => MessageLinks) | undefined,
): Renderer {
  const engine = createLiquidEngine()
  const parsed = new LRUCache<string, ParsedContent | 'unusable'>({ max: cachedContentsMax })

  async function prepare(commands: readonly DeliveryCommand[]): Promise<void> {
    const missing = new Map<string, TemplateKey>()
    for (const command of commands) {
      const key = keyOf(command)
      if (!parsed.has(nameOf(key))) missing.set(nameOf(key), key)
    }
    if (missing.size === 0) return
    const keys = [...missing.values()]
    for (const [index, content] of (await load(keys)).entries()) {
      const key = keys[index]
      if (key !== undefined && content !== undefined) parsed.set(nameOf(key), parse(content, engine))
    }
  }

  function render(command: DeliveryCommand, { mandatory }: { mandatory: boolean }): Rendered {
    const content = parsed.get(nameOf(keyOf(command)))
    if (content === undefined || content === 'unusable') return { kind: 'refused', reason: 'template_error' }
    try {
      const links = linksOf?.(command)
      const urls = {
        unsubscribe: mandatory ? null : (links?.unsubscribe() ?? null),
        preferences: links?.preferences() ?? null,
      }
      const message = engine.render(content, command.data, urls)
      return refuseTooLong(links === undefined ? message : withLinks(message, links, urls.unsubscribe))
    } catch {
      // A variable that the data lacks, or a limit. The error's text may quote the data.
      return { kind: 'refused', reason: 'template_error' }
    }
  }

  return { prepare, render }
}

function parse(content: TemplateContent, engine: LiquidEngine): ParsedContent | 'unusable' {
  try {
    return engine.parseContent(content)
  } catch {
    return 'unusable'
  }
}

function withLinks(message: Message, links: MessageLinks, unsubscribeUrl: string | null): Message {
  switch (message.kind) {
    // A link more is a segment more, and costs money; who has a telephone answers STOP.
    case 'sms':
      return message
    case 'push':
      return { ...message, feedbackToken: links.appFeedbackToken() }
    case 'email':
      return withEmailLinks(message, links, unsubscribeUrl)
  }
}

function withEmailLinks(email: MessageOf<'email'>, links: MessageLinks, unsubscribeUrl: string | null): Message {
  const headers = unsubscribeUrl === null ? {} : oneClickHeaders(unsubscribeUrl)
  return { ...email, html: trackedEmail(email.html, links), headers: { ...email.headers, ...headers }, tracked: true }
}

/** RFC 8058: both, and DKIM must sign both; mail programs then show a button of their own. */
function oneClickHeaders(url: string): Record<string, string> {
  return { 'List-Unsubscribe': `<${url}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }
}

function refuseTooLong(message: Message): Rendered {
  if (message.kind === 'sms' && message.body.length > smsCharactersMax) {
    return { kind: 'refused', reason: 'message_too_large' }
  }
  return { kind: 'rendered', message }
}

function keyOf({ templateId, templateVersion, channel, locale }: DeliveryCommand): TemplateKey {
  return { templateId, version: templateVersion, channel: requestChannelOf(channel), locale }
}

function nameOf({ templateId, version, channel, locale }: TemplateKey): string {
  return JSON.stringify([templateId, version, channel, locale])
}
