/**
 * From sources to a version that can be published: MJML compiled, the variables of every part known, and every part
 * rendered with every sample under the limits that hold when it is sent.
 */
import { LiquidError } from 'liquidjs'
import type { LocalizedContent, TemplateContent, TemplateDraft } from '../../domain/template.ts'
import { compileEmail } from './email-html.ts'
import { createLiquidEngine, readerUrlNames, type LiquidEngine } from './liquid.ts'
import { errorText, type TemplateFault } from './template-fault.ts'
import {
  readTemplateSource,
  templateFile,
  type SourcePart,
  type TemplateFiles,
  type TemplateSource,
} from './template-source.ts'
import { tryWithSamples } from './trial.ts'
import { appAddressExpectation, isAppAddress, isWebAddress, webAddressExpectation } from './url-rules.ts'
import { analyseNeeds } from './variables.ts'

export type CompiledTemplate =
  | { kind: 'compiled'; draft: TemplateDraft; samples: TemplateSource['samples'] }
  | { kind: 'refused'; faults: TemplateFault[] }

/** All faults at once, in the order of the files: those of the form, and those of whatever could be read in spite of them. */
export async function compileTemplate(templateId: string, files: TemplateFiles): Promise<CompiledTemplate> {
  const { source, faults } = readTemplateSource(templateId, files)
  if (source === undefined) return { kind: 'refused', faults }
  const engine = createLiquidEngine()
  const contents: LocalizedContent[] = []
  const used = new Set<string>()
  for (const part of source.parts) {
    const compiled = await compilePart(part, engine)
    if (compiled.kind === 'refused') {
      faults.push(...compiled.faults)
      continue
    }
    const { content, needs } = compiled
    for (const variable of needs) used.add(variable)
    const variables = needs.filter((variable) => !source.optional.includes(variable)).toSorted()
    const optional = needs.filter((variable) => source.optional.includes(variable))
    contents.push({ locale: part.locale, content, variables })
    const parsed = engine.parseContent(content)
    faults.push(...tryWithSamples({ part, parsed, variables, optional, samples: source.samples, engine }))
  }
  // Of what could not be read nobody knows what it uses.
  if (faults.length === 0) faults.push(...unusedOptionals(source.optional, used))
  if (faults.length > 0) return { kind: 'refused', faults }
  const { description, defaultLocale, samples } = source
  return { kind: 'compiled', draft: { templateId, description, defaultLocale, contents }, samples }
}

function unusedOptionals(optional: readonly string[], used: ReadonlySet<string>): TemplateFault[] {
  return optional
    .filter((variable) => !used.has(variable))
    .map((variable) => ({
      file: templateFile,
      place: 'optional',
      expectation: 'variables that a part uses',
      received: JSON.stringify(variable),
    }))
}

type CompiledPart =
  | { kind: 'compiled'; content: TemplateContent; needs: string[] }
  | { kind: 'refused'; faults: TemplateFault[] }

async function compilePart(part: SourcePart, engine: LiquidEngine): Promise<CompiledPart> {
  const needs = new Set<string>()
  const faults = fieldsOf(part).flatMap((field) => fieldFaults(field, { engine, needs }))
  const content = await contentOf(part)
  if (content.kind === 'refused') return { kind: 'refused', faults: [...faults, ...content.faults] }
  if (faults.length > 0) return { kind: 'refused', faults }
  return { kind: 'compiled', content: content.content, needs: [...needs] }
}

async function contentOf(
  part: SourcePart,
): Promise<{ kind: 'content'; content: TemplateContent } | { kind: 'refused'; faults: TemplateFault[] }> {
  switch (part.channel) {
    case 'push': {
      const { channel, title, body, callToAction, deepLink } = part
      return { kind: 'content', content: { channel, title, body, callToAction, deepLink } }
    }
    case 'sms':
      return { kind: 'content', content: { channel: 'sms', body: part.body } }
    case 'email': {
      const { channel, locale, subject, text, mjml, callToAction } = part
      const email = await compileEmail(mjml, locale)
      if (email.kind === 'refused') {
        const file = `${locale}/email.mjml`
        return { kind: 'refused', faults: email.faults.map((fault) => ({ file, ...fault })) }
      }
      return { kind: 'content', content: { channel, subject, text, html: email.html, callToAction } }
    }
  }
}

/** What the sender brings along: the rendered call to action, for the fields beside it. */
const callToActionName = 'call_to_action'
/** And the links of an email's reader, for whatever they see of it. */
const emailNames: readonly string[] = Object.values(readerUrlNames)
/** As `--data` takes it, and as the marks of variables need it. */
const variableForm = /^[\p{L}_][\p{L}\p{N}_-]*$/u

interface Field {
  file: string
  place?: string
  source: string
  kind: 'text' | 'html'
  /** The names that are there when it is rendered, besides the data. */
  provided: readonly string[]
  address?: 'web' | 'app'
}

/** Every text with liquid in it, in the author's own words: MJML has the same liquid as its HTML, and the right lines. */
function fieldsOf(part: SourcePart): Field[] {
  if (part.channel === 'sms') {
    return [{ file: `${part.locale}/sms.txt`, source: part.body, kind: 'text', provided: [] }]
  }
  const { locale, channel, callToAction } = part
  const file = `${locale}/${channel}.yaml`
  const given = [...(callToAction === null ? [] : [callToActionName]), ...(channel === 'email' ? emailNames : [])]
  const own = { kind: 'text', provided: given } as const
  const before = { file, kind: 'text', provided: [] } as const
  const fields: Field[] =
    callToAction === null
      ? []
      : [
          { ...before, place: 'callToAction.title', source: callToAction.title },
          { ...before, place: 'callToAction.url', source: callToAction.url, address: 'web' },
        ]
  if (channel === 'email') {
    return [
      ...fields,
      { ...own, file, place: 'subject', source: part.subject },
      { ...own, file: `${locale}/email.txt`, source: part.text },
      { ...own, file: `${locale}/email.mjml`, source: part.mjml, kind: 'html' },
    ]
  }
  fields.push({ ...own, file, place: 'title', source: part.title }, { ...own, file, place: 'body', source: part.body })
  if (part.deepLink !== null) fields.push({ ...before, place: 'deepLink', source: part.deepLink, address: 'app' })
  return fields
}

/** @param context.needs filled with what the field needs. */
function fieldFaults(field: Field, { engine, needs }: { engine: LiquidEngine; needs: Set<string> }): TemplateFault[] {
  const { file, place, source, kind, provided } = field
  const at = place === undefined ? { file } : { file, place }
  const faults: TemplateFault[] = []
  if (field.address === 'web' && !isWebAddress(source)) {
    faults.push({ ...at, expectation: webAddressExpectation, received: JSON.stringify(source) })
  }
  if (field.address === 'app' && !isAppAddress(source)) {
    faults.push({ ...at, expectation: appAddressExpectation, received: JSON.stringify(source) })
  }
  try {
    const found = analyseNeeds(engine.parse(source, kind), provided)
    for (const path of found.tooDeep) {
      faults.push({ ...at, expectation: 'a scalar, or a field of a list’s maps: data are no deeper', received: path })
    }
    for (const variable of found.variables) {
      needs.add(variable)
      faults.push(...nameFaults(variable).map((fault) => ({ ...at, ...fault })))
    }
  } catch (error) {
    if (!LiquidError.is(error)) throw error
    faults.push({ ...at, expectation: 'liquid', received: errorText(error) })
  }
  return faults
}

function nameFaults(variable: string): Omit<TemplateFault, 'file'>[] {
  if (variable === callToActionName) {
    return [{ expectation: 'a callToAction in the same file as this field needs it', received: 'none' }]
  }
  if (emailNames.includes(variable)) {
    return [{ expectation: 'a field of an email: no other message has links of its reader', received: variable }]
  }
  const names = variable.split('[].')
  if (names.every((name) => variableForm.test(name))) return []
  return [{ expectation: 'names of letters, digits, _ and -', received: JSON.stringify(variable) }]
}
