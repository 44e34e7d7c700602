/**
 * Stage 4, render: the pinned version of the template with the event's data, in liquid.
 *
 * Contents are immutable, so they are loaded and parsed once and kept. Loading comes before the claim, since it may fail
 * for a lost database; rendering is synchronous and comes after it. Only HTML is escaped. Data never names a template:
 * there are no partials, no access to prototypes, and parse, time and memory are bounded.
 */
import { Liquid, type Template } from 'liquidjs'
import { LRUCache } from 'lru-cache'
import { requestChannelOf, type RequestChannel } from '../../domain/channel.ts'
import type { DeliveryCommand } from '../../domain/delivery-command.ts'
import type { Message } from '../../domain/message.ts'
import { countSmsSegments } from '../../domain/sms-segments.ts'
import type { CallToAction, TemplateContent } from '../../domain/template.ts'
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
/** Characters of one template. */
const parseLimit = 200_000
/** Milliseconds of one rendering. */
const renderLimitMs = 200
const renderAttempts = 2
/** Objects and characters that one rendering may make. */
const memoryLimit = 5_000_000
/** Twilio refuses longer bodies with error 21617; other providers cut there too. */
const smsCharactersMax = 1_600

const limits = {
  templates: {},
  strictVariables: true,
  // `{% if maybe %}` and `| default:` may ask for what is not there.
  lenientIf: true,
  strictFilters: true,
  ownPropertyOnly: true,
  parseLimit,
  renderLimit: renderLimitMs,
  memoryLimit,
} as const

type Parsed =
  | { channel: 'push'; title: Template[]; body: Template[]; callToAction: ParsedCallToAction | null }
  | { channel: 'sms'; body: Template[] }
  | {
      channel: 'email'
      subject: Template[]
      text: Template[]
      html: Template[]
      callToAction: ParsedCallToAction | null
    }
interface ParsedCallToAction {
  title: Template[]
  url: Template[]
}

export function createRenderer(load: LoadContents): Renderer {
  const engines = createEngines()
  const parsed = new LRUCache<string, Parsed | 'unusable'>({ max: cachedContentsMax })

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
      if (key !== undefined && content !== undefined) parsed.set(nameOf(key), parse(content, engines))
    }
  }

  function render(command: DeliveryCommand): Rendered {
    const content = parsed.get(nameOf(keyOf(command)))
    if (content === undefined || content === 'unusable') return { kind: 'refused', reason: 'template_error' }
    // Twice: the limit is on wall time, so a process that was starved or paused meanwhile looks like an endless template
    // (seen once in 100,000 events on a busy machine). A template that is at fault fails again.
    for (let attempt = 1; attempt <= renderAttempts; attempt += 1) {
      try {
        return refuseTooLong(renderContent(content, command.data, engines))
      } catch {
        // A variable that the data lacks, or a limit. The error's text may quote the data.
      }
    }
    return { kind: 'refused', reason: 'template_error' }
  }

  return { prepare, render }
}

interface Engines {
  plain: Liquid
  escaping: Liquid
}

function createEngines(): Engines {
  const plain = new Liquid(limits)
  const escaping = new Liquid({ ...limits, outputEscape: 'escape' })
  // `raw` would switch the escaping off from inside a template.
  delete escaping.filters['raw']
  return { plain, escaping }
}

function parse(content: TemplateContent, { plain, escaping }: Engines): Parsed | 'unusable' {
  const callToAction = (action: CallToAction | null) =>
    action === null ? null : { title: plain.parse(action.title), url: plain.parse(action.url) }
  try {
    switch (content.channel) {
      case 'push':
        return {
          channel: 'push',
          title: plain.parse(content.title),
          body: plain.parse(content.body),
          callToAction: callToAction(content.callToAction),
        }
      case 'sms':
        return { channel: 'sms', body: plain.parse(content.body) }
      case 'email':
        return {
          channel: 'email',
          subject: plain.parse(content.subject),
          text: plain.parse(content.text),
          html: escaping.parse(content.html),
          callToAction: callToAction(content.callToAction),
        }
    }
  } catch {
    return 'unusable'
  }
}

function renderContent(content: Parsed, data: DeliveryCommand['data'], { plain, escaping }: Engines): Message {
  const text = (template: Template[], scope: object) => String(plain.renderSync(template, scope))
  if (content.channel === 'sms') {
    const body = text(content.body, data)
    return { kind: 'sms', body, segments: countSmsSegments(body) }
  }
  const action = content.callToAction
  const callToAction = action === null ? null : { title: text(action.title, data), url: text(action.url, data) }
  const scope = { ...data, call_to_action: callToAction }
  if (content.channel === 'push') {
    return { kind: 'push', title: text(content.title, scope), body: text(content.body, scope), callToAction }
  }
  return {
    kind: 'email',
    // A line break would begin another header.
    subject: text(content.subject, scope).replaceAll(/[\r\n]+/g, ' '),
    text: text(content.text, scope),
    html: String(escaping.renderSync(content.html, scope)),
    headers: {},
  }
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
