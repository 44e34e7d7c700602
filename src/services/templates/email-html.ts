/**
 * MJML to the HTML that is stored and sent: tables and inlined styles, with the liquid still in it.
 *
 * mjml forgives much: it leaves out text between sections, includes and whatever is not closed. So everything that it
 * would forgive is refused here, and every piece of liquid must be found again in what comes out.
 */
import { parseLimit } from './liquid.ts'
import type { TemplateFault } from './template-fault.ts'
import { isEmailLink } from './url-rules.ts'

export type CompiledEmail =
  | { kind: 'compiled'; html: string }
  | { kind: 'refused'; faults: Omit<TemplateFault, 'file'>[] }

export async function compileEmail(mjml: string, locale: string): Promise<CompiledEmail> {
  const source = withoutComments(mjml)
  const forgiven = [...includeFaults(source), ...nestingFaults(source)]
  if (forgiven.length > 0) return { kind: 'refused', faults: forgiven }
  const compiled = await compile(withLanguage(source, locale))
  if (compiled.kind === 'refused') return compiled
  const faults = [...lostLiquid(source, compiled.html), ...unsafeHtml(compiled.html), ...lengthFaults(compiled.html)]
  return faults.length > 0 ? { kind: 'refused', faults } : compiled
}

type Fault = Omit<TemplateFault, 'file'>

async function compile(source: string): Promise<CompiledEmail> {
  // Only here: it takes longer to load than all the rest, and no role needs it.
  const { default: mjml2html } = await import('mjml')
  try {
    // Without the fonts that it would fetch from elsewhere: that would tell a third party who reads what.
    const { html } = await mjml2html(source, { validationLevel: 'strict', keepComments: false, fonts: {} })
    return { kind: 'compiled', html: withoutEmptyLines(html) }
  } catch (error) {
    return { kind: 'refused', faults: mjmlFaults(error) }
  }
}

interface MjmlError {
  line: number
  tagName: string
  message: string
}

/** mjml throws an Error with a list of its own where it could read the whole, and one without where it could not. */
function mjmlFaults(error: unknown): Fault[] {
  if (!(error instanceof Error)) throw error
  const errors = (error as Error & { errors?: MjmlError[] }).errors ?? []
  if (errors.length === 0) return [{ expectation: 'MJML', received: error.message }]
  return errors.map(({ line, tagName, message }) => ({
    place: `line ${line}`,
    expectation: 'MJML',
    received: `<${tagName}>: ${message.trim()}`,
  }))
}

/** Comments are for the authors; as many lines stay, so that faults still name the right one. */
function withoutComments(source: string): string {
  return source.replaceAll(/<!--(?!\[if)[\s\S]*?-->/g, (comment) => comment.replaceAll(/[^\n]/g, ''))
}

/** Screen readers and translators go by it. */
function withLanguage(source: string, locale: string): string {
  return source.replace(/<mjml(?![^>]*\slang=)/, `<mjml lang="${locale}"`)
}

function withoutEmptyLines(html: string): string {
  return html.replaceAll(/\n\s*\n/g, '\n').trim()
}

function includeFaults(source: string): Fault[] {
  const at = source.search(/<mj-include\b/)
  if (at === -1) return []
  const expectation = 'no <mj-include>: a version says everything itself'
  return [{ place: lineAt(source, at), expectation, received: '<mj-include>' }]
}

/** The first element of MJML that is closed wrongly or not at all. */
function nestingFaults(source: string): Fault[] {
  const open: { name: string; at: number }[] = []
  for (const match of source.matchAll(/<(\/?)(mj[\w-]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>/g)) {
    const [, slash, name = '', rest = ''] = match
    if (rest.endsWith('/')) continue
    if (slash === '') {
      open.push({ name, at: match.index })
    } else if (open.pop()?.name !== name) {
      return [{ place: lineAt(source, match.index), expectation: 'elements that are nested', received: `</${name}>` }]
    }
  }
  const last = open.at(-1)
  if (last === undefined) return []
  return [{ place: lineAt(source, last.at), expectation: `a </${last.name}>`, received: 'none' }]
}

const liquidForm = /\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}/g

/** What stood between two elements of MJML, where there is no text. */
function lostLiquid(source: string, html: string): Fault[] {
  const expected = counts(source)
  const found = counts(html)
  return [...expected]
    .filter(([liquid, count]) => (found.get(liquid) ?? 0) < count)
    .map(([liquid]) => ({
      place: lineAt(source, source.indexOf(liquid)),
      expectation: 'liquid inside a text, an attribute or <mj-raw>',
      received: liquid,
    }))
}

function counts(text: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const [liquid] of text.matchAll(liquidForm)) found.set(liquid, (found.get(liquid) ?? 0) + 1)
  return found
}

function lineAt(source: string, index: number): string {
  return `line ${source.slice(0, index).split('\n').length}`
}

/** MJML grows by what tables and Outlook need. */
function lengthFaults(html: string): Fault[] {
  if (html.length <= parseLimit) return []
  return [{ expectation: `at most ${parseLimit} characters of HTML`, received: `${html.length}` }]
}

/** Escaping keeps data from becoming markup; in these places it would not help. */
function unsafeHtml(html: string): Fault[] {
  const faults: Fault[] = []
  const refuse = (pattern: RegExp, expectation: string) => {
    for (const [received] of html.matchAll(pattern)) faults.push({ expectation, received })
  }
  refuse(/<(script|iframe|object|embed|form)\b/gi, 'nothing that runs or takes input in an email')
  refuse(/\son[a-z]+\s*=\s*["']?[^\s>]*/gi, 'no event handlers')
  refuse(/=\s*\{[{%][^>\s]*/g, 'quotation marks around an attribute that holds liquid')
  for (const [style] of html.matchAll(/<style\b[\s\S]*?<\/style>/gi)) {
    for (const [received] of style.matchAll(liquidForm)) faults.push({ expectation: 'no liquid in a style', received })
  }
  for (const match of html.matchAll(/\b(?:href|src|background|action)\s*=\s*(?:"([^"]*)"|'([^']*)')/gi)) {
    const received = match[1] ?? match[2] ?? ''
    if (received !== '' && !isEmailLink(received)) {
      faults.push({ expectation: 'a link to https:// and a host without liquid, or one that Fanfare gives', received })
    }
  }
  return faults
}
