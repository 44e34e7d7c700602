/**
 * Liquid as Fanfare allows it: the one engine that checks a template before it is published and renders it afterwards.
 *
 * Data never names a template: there are no partials, no access to prototypes, and parse, time and memory are bounded.
 * Only HTML is escaped, and there always: no filter switches it off.
 */
import { Liquid, type Template } from 'liquidjs'
import type { TemplateData } from '../../domain/notification.ts'
import type { Message } from '../../domain/message.ts'
import { countSmsSegments } from '../../domain/sms-segments.ts'
import type { CallToAction, TemplateContent } from '../../domain/template.ts'

/** Characters of one part of a template. */
export const parseLimit = 200_000
/** Milliseconds of one rendering. */
export const renderLimitMs = 200
/** Objects and characters that one rendering may make. */
export const memoryLimit = 5_000_000
const renderAttempts = 2

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

/** They read other templates, of which there are none. */
const tagsOfOtherTemplates = ['include', 'render', 'layout', 'block']
/** They keep an expression in a text, where nobody finds the variables that it needs. */
const filtersOfExpressions = ['where_exp', 'reject_exp', 'group_by_exp', 'has_exp', 'find_exp', 'find_index_exp']

export type ParsedContent =
  | {
      channel: 'push'
      title: Template[]
      body: Template[]
      callToAction: ParsedCallToAction | null
      deepLink: Template[] | null
    }
  | { channel: 'sms'; body: Template[] }
  | {
      channel: 'email'
      subject: Template[]
      text: Template[]
      html: Template[]
      callToAction: ParsedCallToAction | null
    }

export interface ParsedCallToAction {
  title: Template[]
  url: Template[]
}

/** Where an email's reader leaves the category, and changes everything; null where there is no such page for them. */
export interface ReaderUrls {
  unsubscribe: string | null
  preferences: string | null
}

/** The names by which the parts of an email know them. Data of these names are hidden: they would lead elsewhere. */
export const readerUrlNames = { unsubscribe: 'unsubscribe_url', preferences: 'preferences_url' } as const

export interface LiquidEngine {
  /** @throws LiquidError where the source is no liquid, or uses what is not allowed. */
  parse(source: string, kind: 'text' | 'html'): Template[]
  /** @throws LiquidError as `parse`. */
  parseContent(content: TemplateContent): ParsedContent
  /**
   * @param urls of an email's reader; of each that is null the name is undefined, as a variable that the data lacks.
   * @throws LiquidError for a variable that the data lacks, or a limit. Its message may quote the data.
   */
  render(content: ParsedContent, data: TemplateData, urls: ReaderUrls): Message
}

export function createLiquidEngine(): LiquidEngine {
  const plain = restricted(new Liquid(limits))
  const escaping = restricted(new Liquid({ ...limits, outputEscape: 'escape' }))

  const parse: LiquidEngine['parse'] = (source, kind) => (kind === 'html' ? escaping : plain).parse(source)
  const text = (template: Template[], scope: object) => String(plain.renderSync(template, scope))
  const parseAction = (action: CallToAction | null) =>
    action === null ? null : { title: parse(action.title, 'text'), url: parse(action.url, 'text') }

  function parseContent(content: TemplateContent): ParsedContent {
    switch (content.channel) {
      case 'push':
        return {
          channel: 'push',
          title: parse(content.title, 'text'),
          body: parse(content.body, 'text'),
          callToAction: parseAction(content.callToAction),
          deepLink: content.deepLink === null ? null : parse(content.deepLink, 'text'),
        }
      case 'sms':
        return { channel: 'sms', body: parse(content.body, 'text') }
      case 'email':
        return {
          channel: 'email',
          subject: parse(content.subject, 'text'),
          text: parse(content.text, 'text'),
          html: parse(content.html, 'html'),
          callToAction: parseAction(content.callToAction),
        }
    }
  }

  function renderOnce(content: ParsedContent, data: TemplateData, urls: ReaderUrls): Message {
    if (content.channel === 'sms') {
      const body = text(content.body, data)
      return { kind: 'sms', body, segments: countSmsSegments(body) }
    }
    const action = content.callToAction
    const callToAction = action === null ? null : { title: text(action.title, data), url: text(action.url, data) }
    const scope: Record<string, unknown> = { ...data, call_to_action: callToAction }
    if (content.channel === 'push') {
      const deepLink = content.deepLink === null ? null : text(content.deepLink, data)
      return {
        kind: 'push',
        title: text(content.title, scope),
        body: text(content.body, scope),
        callToAction,
        deepLink,
        feedbackToken: null,
      }
    }
    addReaderUrls(scope, urls)
    return {
      kind: 'email',
      // A line break would begin another header.
      subject: text(content.subject, scope).replaceAll(/[\r\n]+/g, ' '),
      text: text(content.text, scope),
      html: String(escaping.renderSync(content.html, scope)),
      headers: {},
      tracked: false,
    }
  }

  return {
    parse,
    parseContent,
    render: (content, data, urls) => withSecondAttempt(() => renderOnce(content, data, urls)),
  }
}

function addReaderUrls(scope: Record<string, unknown>, urls: ReaderUrls): void {
  for (const key of ['unsubscribe', 'preferences'] as const) {
    const url = urls[key]
    if (url === null) delete scope[readerUrlNames[key]]
    else scope[readerUrlNames[key]] = url
  }
}

/**
 * Twice: the limit is on wall time, so a process that was starved or paused meanwhile looks like an endless template
 * (seen once in 100,000 events on a busy machine). A template that is at fault fails again.
 */
function withSecondAttempt<Result>(render: () => Result): Result {
  for (let attempt = 1; attempt < renderAttempts; attempt += 1) {
    try {
      return render()
    } catch {
      // The last attempt tells.
    }
  }
  return render()
}

function restricted(engine: Liquid): Liquid {
  for (const tag of tagsOfOtherTemplates) delete engine.tags[tag]
  // `raw` would switch the escaping off from inside a template.
  for (const filter of ['raw', ...filtersOfExpressions]) delete engine.filters[filter]
  return engine
}
