/**
 * A template as people write it: a folder with `template.yaml` and a folder of parts for each locale.
 *
 * Everything that can be wrong is said at once, each with its file and field. What is sound is handed on all the same, so
 * that the next step can say what is wrong with that.
 */
import { parseDocument } from 'yaml'
import { z } from 'zod'
import type { TemplateData } from '../../domain/notification.ts'
import type { CallToAction } from '../../domain/template.ts'
import { parseLimit } from './liquid.ts'
import { shownValue, type TemplateFault } from './template-fault.ts'

export interface TemplateSource {
  templateId: string
  description: string
  defaultLocale: string
  /** Variables that an event may lack. */
  optional: readonly string[]
  /** At least one; the first is what a preview shows. */
  samples: readonly { name: string; data: TemplateData }[]
  parts: readonly SourcePart[]
}

/** As `TemplateContent`, with MJML in place of HTML. */
export type SourcePart = { locale: string } & (
  | { channel: 'push'; title: string; body: string; callToAction: CallToAction | null; deepLink: string | null }
  | { channel: 'sms'; body: string }
  | { channel: 'email'; subject: string; text: string; mjml: string; callToAction: CallToAction | null }
)

/** Paths relative to the template's folder, with forward slashes, and what the files say. */
export type TemplateFiles = ReadonlyMap<string, string>

export interface SourceReading {
  /** Undefined where `template.yaml` cannot be used. */
  source: TemplateSource | undefined
  faults: TemplateFault[]
}

export const templateFile = 'template.yaml'
export const partFiles = ['push.yaml', 'sms.txt', 'email.yaml', 'email.mjml', 'email.txt']
const templateIdForm = /^[a-z0-9]+(-[a-z0-9]+)*$/
const templateIdCharactersMax = 64

export function readTemplateSource(templateId: string, files: TemplateFiles): SourceReading {
  const faults = [...idFaults(templateId), ...[...files].flatMap(([path, text]) => fileFaults(path, text))]
  const reader = createFileReader(files, faults)
  const head = reader.yaml(templateFile, templateHead)
  const locales = [...new Set([...files.keys()].filter((path) => path.includes('/')).map(localeOf))]
  const parts = locales.flatMap((locale) => readParts(locale, reader))
  if (head === undefined) return { source: undefined, faults }
  if (faults.length === 0) faults.push(...missingDefaults(head.defaultLocale, parts))
  const samples = Object.entries(head.samples).map(([name, data]) => ({ name, data }))
  const { description, defaultLocale, optional } = head
  return { source: { templateId, description, defaultLocale, optional, samples, parts }, faults }
}

function localeOf(path: string): string {
  return path.slice(0, path.indexOf('/'))
}

function idFaults(templateId: string): TemplateFault[] {
  if (templateIdForm.test(templateId) && templateId.length <= templateIdCharactersMax) return []
  const expectation = `a folder named in at most ${templateIdCharactersMax} lower-case letters, digits and hyphens`
  return [{ file: templateFile, expectation, received: shownValue(templateId) }]
}

function fileFaults(path: string, text: string): TemplateFault[] {
  const [locale = '', name, ...deeper] = path.split('/')
  if (path !== templateFile) {
    if (name === undefined || deeper.length > 0 || !partFiles.includes(name)) {
      const expectation = `only ${templateFile}, and ${partFiles.join(', ')} in a folder for each locale`
      return [{ file: path, expectation, received: 'this file' }]
    }
    if (canonicalLocale(locale) !== locale) {
      const expectation = `a folder named as a locale, like ${canonicalLocale(locale) ?? 'ko-KR'}`
      return [{ file: path, expectation, received: shownValue(locale) }]
    }
  }
  const faults: TemplateFault[] = []
  if (text.length > parseLimit) {
    faults.push({ file: path, expectation: `at most ${parseLimit} characters`, received: `${text.length}` })
  }
  // No database keeps it.
  if (text.includes('\0')) faults.push({ file: path, expectation: 'text', received: 'the character U+0000' })
  return faults
}

/** BCP 47 in its one spelling; undefined for what is no locale. A longer language (`english`) is well-formed, and none. */
function canonicalLocale(locale: string): string | undefined {
  if (!/^[a-z]{2,3}(-|$)/i.test(locale)) return undefined
  try {
    return Intl.getCanonicalLocales(locale)[0]
  } catch {
    return undefined
  }
}

interface FileReader {
  has(path: string): boolean
  /** The file's text without the line breaks at its end; a fault, and undefined, where there is none. */
  text(path: string): string | undefined
  /** What the file says; every fault of it, and undefined, where that is not the schema's. */
  yaml<Value>(path: string, schema: z.ZodType<Value>): Value | undefined
}

function createFileReader(files: TemplateFiles, faults: TemplateFault[]): FileReader {
  function text(file: string): string | undefined {
    const found = files.get(file)
    // Said already, and beyond what liquid reads.
    if (found !== undefined && fileFaults(file, found).length > 0) return undefined
    if (found !== undefined && found.trim() !== '') return found.trimEnd()
    faults.push({ file, expectation: 'a file with text', received: found === undefined ? 'no file' : 'an empty file' })
    return undefined
  }
  function yaml<Value>(file: string, schema: z.ZodType<Value>): Value | undefined {
    const source = text(file)
    if (source === undefined) return undefined
    const document = parseDocument(source)
    const [error] = document.errors
    if (error !== undefined) {
      const [line = ''] = error.message.split('\n')
      faults.push({ file, expectation: 'YAML', received: line })
      return undefined
    }
    const given: unknown = document.toJS()
    const parsed = schema.safeParse(given)
    if (parsed.success) return parsed.data
    faults.push(...parsed.error.issues.flatMap((issue) => issueFaults(file, issue, given)))
    return undefined
  }
  return { has: (path) => files.has(path), text, yaml }
}

function issueFaults(file: string, issue: z.core.$ZodIssue, given: unknown): TemplateFault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      file,
      place: [...issue.path, key].join('.'),
      expectation: 'no field of this name',
      received: shownValue(key),
    }))
  }
  const place = issue.path.length === 0 ? {} : { place: issue.path.join('.') }
  return [{ file, ...place, expectation: issue.message, received: shownValue(valueAt(given, issue.path)) }]
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : null),
    given,
  )
}

function readParts(locale: string, reader: FileReader): SourcePart[] {
  const parts: SourcePart[] = []
  const file = (name: string) => `${locale}/${name}`
  if (reader.has(file('push.yaml'))) {
    const push = reader.yaml(file('push.yaml'), pushPart)
    if (push !== undefined) parts.push({ locale, channel: 'push', ...push })
  }
  if (reader.has(file('sms.txt'))) {
    const body = reader.text(file('sms.txt'))
    if (body !== undefined) parts.push({ locale, channel: 'sms', body })
  }
  if (['email.yaml', 'email.mjml', 'email.txt'].some((name) => reader.has(file(name)))) {
    const head = reader.yaml(file('email.yaml'), emailPart)
    const mjml = reader.text(file('email.mjml'))
    const text = reader.text(file('email.txt'))
    if (head !== undefined && mjml !== undefined && text !== undefined) {
      parts.push({ locale, channel: 'email', ...head, mjml, text })
    }
  }
  return parts
}

/** Whoever has no content in their own language gets the default's, so the default locale has every channel. */
function missingDefaults(defaultLocale: string, parts: readonly SourcePart[]): TemplateFault[] {
  const ofDefault = new Set(parts.filter(({ locale }) => locale === defaultLocale).map(({ channel }) => channel))
  const missing = new Set(parts.map(({ channel }) => channel).filter((channel) => !ofDefault.has(channel)))
  if (parts.length === 0) {
    return [{ file: `${defaultLocale}/`, expectation: `some of ${partFiles.join(', ')}`, received: 'no part' }]
  }
  return [...missing].map((channel) => ({
    file: `${defaultLocale}/`,
    expectation: `a part for ${channel}, which another locale has, in the default locale`,
    received: 'none',
  }))
}

const someText = z.string({ error: 'text' }).refine((text) => text.trim() !== '', { error: 'text' })
const oneLine = someText.refine((text) => !/[\r\n]/.test(text), { error: 'one line' })
const callToAction = z
  .strictObject({ title: oneLine, url: oneLine }, { error: 'a title and a url' })
  .nullable()
  .default(null)

const pushPart = z.strictObject(
  { title: someText, body: someText, callToAction, deepLink: oneLine.nullable().default(null) },
  { error: 'title, body and perhaps callToAction and deepLink' },
)

const emailPart = z.strictObject({ subject: oneLine, callToAction }, { error: 'subject and perhaps callToAction' })

const scalar = z.union([z.null(), z.boolean(), z.number(), z.string()])
const templateData = z.record(
  z.string(),
  z.union([scalar, z.array(z.record(z.string(), scalar))], { error: 'a scalar or a list of flat maps' }),
  { error: 'data, by name' },
)

const templateHead = z.strictObject(
  {
    description: oneLine,
    defaultLocale: z
      .string({ error: 'a locale' })
      .refine((locale) => canonicalLocale(locale) === locale, { error: 'a locale like en or ko-KR' }),
    optional: z.array(z.string({ error: 'a variable' }), { error: 'a list of variables' }).default([]),
    samples: z
      .record(z.string(), templateData, { error: 'data for the preview, by name' })
      .refine((samples) => Object.keys(samples).length > 0, { error: 'data for the preview, by name' }),
  },
  { error: 'description, defaultLocale, samples and perhaps optional' },
)
