/**
 * What a version of a template comes to with data: the locale is picked as the router picks it, missing variables are
 * found as it finds them, and the rendering has the limits of the sender's.
 */
import { requestChannels, type RequestChannel } from '../../domain/channel.ts'
import type { Message } from '../../domain/message.ts'
import type { TemplateData } from '../../domain/notification.ts'
import type { FieldFault } from '../../domain/refusal.ts'
import { smsCharactersMax } from '../../domain/sms-segments.ts'
import { pickLocale, type LocalizedContent, type TemplateDraft } from '../../domain/template.ts'
import { missingVariables, variableParts } from '../../domain/template-variables.ts'
import { exampleUrls } from '../templates/example-links.ts'
import type { LiquidEngine } from '../templates/liquid.ts'

export interface PreviewRequest {
  data: TemplateData
  locale: string | null
  /** Null for all that it has. */
  channels: readonly RequestChannel[] | null
}

export interface PreviewedMessage {
  channel: RequestChannel
  locale: string
  message: Message
}

/** Either all messages or, where one cannot be, why. */
export function previewTemplate(
  draft: TemplateDraft,
  { data, locale, channels }: PreviewRequest,
  engine: LiquidEngine,
): { messages: PreviewedMessage[] } | { faults: FieldFault[] } {
  const ofChannel = Map.groupBy(draft.contents, ({ content }) => content.channel)
  const absent = channels?.filter((channel) => !ofChannel.has(channel)) ?? []
  if (absent.length > 0) {
    return { faults: [{ field: '/channels', expected: `channels that it has: ${[...ofChannel.keys()].join(', ')}` }] }
  }
  const messages: PreviewedMessage[] = []
  const faults = new Map<string, FieldFault>()
  for (const channel of requestChannels.filter((each) => channels?.includes(each) ?? ofChannel.has(each))) {
    const content = pickLocale(ofChannel.get(channel) ?? [], [locale], draft.defaultLocale)
    if (content === undefined) continue
    const rendered = render(content, data, engine)
    if ('faults' in rendered) for (const fault of rendered.faults) faults.set(fault.field, fault)
    else messages.push({ channel, locale: content.locale, message: rendered.message })
  }
  return faults.size > 0 ? { faults: [...faults.values()] } : { messages }
}

function render(
  { content, variables }: LocalizedContent,
  data: TemplateData,
  engine: LiquidEngine,
): { message: Message } | { faults: FieldFault[] } {
  const missing = missingVariables(data, variables)
  if (missing.length > 0) return { faults: missing.map(missingFault) }
  let message: Message
  try {
    message = engine.render(engine.parseContent(content), data, exampleUrls)
  } catch {
    // A limit, or a variable that was not found by reading. The error's text may quote the data.
    return {
      faults: [{ field: '/data', expected: 'data with which it renders: an event would fail as template_error' }],
    }
  }
  if (message.kind === 'sms' && message.body.length > smsCharactersMax) {
    const expected = `an SMS of at most ${smsCharactersMax} characters: an event would fail as message_too_large`
    return { faults: [{ field: '/data', expected }] }
  }
  return { message }
}

function missingFault(variable: string): FieldFault {
  const { name, field } = variableParts(variable)
  const pointer = name.replaceAll('~', '~0').replaceAll('/', '~1')
  const within = field === undefined ? 'given' : `a list whose every item has ${field}`
  return { field: `/data/${pointer}`, expected: `${within}: an event would fail as missing_variable (${variable})` }
}
