/**
 * Reads what the documents' tests compare with the source: sections, tables, code, links. It knows only the forms that
 * these documents use.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../../..')

export interface Document {
  /** Relative to the root. */
  path: string
  text: string
}

export function readDocument(path: string): Document {
  return { path, text: readFileSync(join(root, path), 'utf8') }
}

/** README.md and everything under docs/ and examples/. */
export function readDocuments(): Document[] {
  const paths = ['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.md'))
      .toSorted()
      .map((file) => join(folder, file)),
  )
  return ['README.md', ...paths].map(readDocument)
}

/** What stands under a heading, up to the next one of the same or a higher level. */
export function section({ path, text }: Document, heading: string): Document {
  const level = /^#+/.exec(heading)?.[0].length ?? 0
  const start = `\n${text}`.indexOf(`\n${heading}\n`)
  if (level === 0 || start === -1) throw new Error(`${path} has no heading "${heading}"`)
  const rest = text.slice(start + heading.length)
  const end = new RegExp(`\\n#{1,${level}} `).exec(rest)?.index ?? rest.length
  return { path, text: rest.slice(0, end) }
}

/** The cells of every table row of the text, without heads and rulers. */
export function tableRows({ text }: Document): string[][] {
  const rows: string[][] = []
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith('|') || isRuler(line) || isRuler(lines[index + 1] ?? '')) continue
    const cells = line.split('|').slice(1, -1)
    rows.push(cells.map((cell) => cell.trim()))
  }
  return rows
}

function isRuler(line: string): boolean {
  return /^\|(-+\|)+$/.test(line)
}

/** The first cell of every row, which is one word in backticks. */
export function firstWords(document: Document): string[] {
  return tableRows(document).map(([cell = '']) => {
    const word = /^`([^`]+)`$/.exec(cell)?.[1]
    if (word === undefined) throw new Error(`${document.path}: "${cell}" is no single word in backticks`)
    return word
  })
}

/** The text in backticks outside code blocks. */
export function inlineCode({ text }: Document): string[] {
  return [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '')
}

/** The lines of the code blocks of a language, continued lines put together, comments left out. */
export function codeLines({ text }: Document, language: string): string[] {
  const blocks = text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))
  return [...blocks]
    .flatMap((match) => (match[1] ?? '').replaceAll('\\\n', ' ').split('\n'))
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
}

export interface CodeBlock {
  language: string
  code: string
  /** The paragraph before it. */
  introduction: string
}

/** The code blocks that name a language, in their order. */
export function codeBlocks({ text }: Document): CodeBlock[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(({ 1: language = '', 2: code = '', index }) => ({
    language,
    code,
    introduction: text.slice(0, index).trimEnd().split('\n\n').at(-1) ?? '',
  }))
}

export interface Link {
  file: string
  anchor: string | undefined
}

/** Links to files of the project, relative to the document. */
export function links({ text }: Document): Link[] {
  return [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = '', anchor] = target.split('#')
      return { file, anchor }
    })
}

/** The anchors that a forge makes of the headings. */
export function anchors({ text }: Document): string[] {
  return [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '')
}

/** `a.{b,c}.{d,e}` stands for four. */
export function expandBraces(pattern: string): string[] {
  const match = /^([^{]*)\{([^}]*)\}(.*)$/.exec(pattern)
  if (match === null) return [pattern]
  const [, before = '', choices = '', after = ''] = match
  return choices.split(',').flatMap((choice) => expandBraces(`${before}${choice}${after}`))
}
