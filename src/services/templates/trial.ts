/**
 * Renders a part with its samples as the sender would, before it is published: what would fail for everyone fails here.
 *
 * Each sample is rendered whole, again without each of the optional variables, and without all of them: an author who declares that one may be
 * missing is taken at their word. An email is rendered for those who cannot unsubscribe, too, and without any link of ours.
 */
import { LiquidError, UndefinedVariableError } from 'liquidjs'
import type { TemplateData } from '../../domain/notification.ts'
import type { Message } from '../../domain/message.ts'
import { smsCharactersMax } from '../../domain/sms-segments.ts'
import { missingVariables, variableParts } from '../../domain/template-variables.ts'
import { exampleLinks, exampleUrls } from './example-links.ts'
import {
  memoryLimit,
  readerUrlNames,
  renderLimitMs,
  type LiquidEngine,
  type ParsedContent,
  type ReaderUrls,
} from './liquid.ts'
import { errorText, type TemplateFault } from './template-fault.ts'
import { templateFile, type SourcePart } from './template-source.ts'
import { trackedEmail } from './tracked-email.ts'
import { isEncoded } from './url-rules.ts'

/** Bytes of JSON: Apple's limit, and Google's. */
export const pushPayloadBytesMax = 4_096
/** Of which the delivery's id, the token for feedback, and Apple's own names take some. */
const pushOverheadBytes = 300
/** Bytes: Gmail hides what is beyond. */
export const emailHtmlBytesMax = 102_400

export interface Trial {
  part: SourcePart
  parsed: ParsedContent
  /** What the part needs, and what of it may be missing. */
  variables: readonly string[]
  optional: readonly string[]
  samples: readonly { name: string; data: TemplateData }[]
  engine: LiquidEngine
}

export function tryWithSamples(trial: Trial): TemplateFault[] {
  return trial.samples.flatMap(({ name, data }) => {
    const missing = missingVariables(data, trial.variables)
    if (missing.length > 0) {
      return missing.map((variable) => ({
        file: templateFile,
        place: `samples.${name}`,
        expectation: `${variable}, which ${fileOf(trial.part)} needs (or is it optional?)`,
        received: 'nothing',
      }))
    }
    const whole = renderFaults(trial, { data, urls: exampleUrls }, `with the sample ${name}`)
    if (whole.length > 0) return whole
    return [
      ...absentUrls(trial.part).flatMap(({ names, urls }) =>
        renderFaults(trial, { data, urls }, `with the sample ${name} without ${names}`),
      ),
      ...absences(trial.optional).flatMap((absent) => {
        const rendered = { data: absent.reduce(without, data), urls: exampleUrls }
        return renderFaults(trial, rendered, `with the sample ${name} without ${absent.join(', ')}`)
      }),
    ]
  })
}

/** Nobody leaves a mandatory category, and a Fanfare without an edge has no links of its own. */
function absentUrls({ channel }: SourcePart): { names: string; urls: ReaderUrls }[] {
  if (channel !== 'email') return []
  const { unsubscribe, preferences } = readerUrlNames
  return [
    { names: unsubscribe, urls: { ...exampleUrls, unsubscribe: null } },
    { names: `${unsubscribe}, ${preferences}`, urls: { unsubscribe: null, preferences: null } },
  ]
}

/** Each alone, and all together. */
function absences(optional: readonly string[]): (readonly string[])[] {
  const alone = optional.map((variable) => [variable])
  return optional.length > 1 ? [...alone, optional] : alone
}

/** An email has three files that are rendered together. */
const fileNames = { push: 'push.yaml', sms: 'sms.txt', email: 'email' } as const

function fileOf({ locale, channel }: SourcePart): string {
  return `${locale}/${fileNames[channel]}`
}

function renderFaults(
  { part, parsed, engine }: Trial,
  { data, urls }: { data: TemplateData; urls: ReaderUrls },
  place: string,
): TemplateFault[] {
  const at = { file: fileOf(part), place }
  try {
    return messageFaults(engine.render(parsed, data, urls)).map((fault) => ({ ...at, ...fault }))
  } catch (error) {
    if (!LiquidError.is(error)) throw error
    const expectation =
      error instanceof UndefinedVariableError
        ? 'no use of what may be missing, but in {% if %} or with | default:'
        : `to be rendered within ${renderLimitMs} ms and ${memoryLimit} objects and characters`
    return [{ ...at, expectation, received: errorText(error) }]
  }
}

type Fault = Pick<TemplateFault, 'expectation' | 'received'>

function messageFaults(message: Message): Fault[] {
  switch (message.kind) {
    case 'sms':
      return [...emptyFaults({ text: message.body }), ...tooMany(message.body.length, smsCharactersMax, 'characters')]
    case 'push': {
      const { title, body, callToAction, deepLink } = message
      const payload = Buffer.byteLength(JSON.stringify([title, body, callToAction, deepLink])) + pushOverheadBytes
      return [
        ...emptyFaults({ title, body }),
        ...tooMany(payload, pushPayloadBytesMax, 'bytes in all'),
        ...addressFaults([callToAction?.url, deepLink]),
      ]
    }
    case 'email': {
      const { subject, text, html } = message
      const links = [...html.matchAll(/\bhref\s*=\s*"([^"]*)"/g)].map(([, url]) => withoutEntities(url ?? ''))
      return [
        ...emptyFaults({ subject, text }),
        // As it is sent: its links lead through the edge, which makes them longer.
        ...tooMany(Buffer.byteLength(trackedEmail(html, exampleLinks)), emailHtmlBytesMax, 'bytes of HTML'),
        ...addressFaults(links.filter((url) => url !== '' && !url.startsWith('#'))),
      ]
    }
  }
}

function emptyFaults(texts: Readonly<Record<string, string>>): Fault[] {
  return Object.entries(texts)
    .filter(([, text]) => text.trim() === '')
    .map(([name]) => ({ expectation: `a ${name} that says something`, received: 'an empty one' }))
}

function tooMany(count: number, max: number, unit: string): Fault[] {
  return count <= max ? [] : [{ expectation: `at most ${max} ${unit}`, received: `${count}` }]
}

function addressFaults(urls: readonly (string | null | undefined)[]): Fault[] {
  return urls
    .filter((url) => url !== null && url !== undefined && !isEncoded(url))
    .map((url) => ({ expectation: 'a URL; data in it go through | url_encode', received: JSON.stringify(url) }))
}

/** Of what `escape` makes; a link's ampersands are written so. */
function withoutEntities(url: string): string {
  return url
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}

function without(data: TemplateData, variable: string): TemplateData {
  const { name, field } = variableParts(variable)
  const value = data[name]
  if (field === undefined) return Object.fromEntries(Object.entries(data).filter(([key]) => key !== name))
  if (!Array.isArray(value)) return data
  const maps = value.map((map) => Object.fromEntries(Object.entries(map).filter(([key]) => key !== field)))
  return { ...data, [name]: maps }
}
