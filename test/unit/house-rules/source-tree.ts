/**
 * The source tree as the house rules see it: files with their text and imports.
 *
 * TypeScript 7 offers no parser to JavaScript, so imports are found by their form. The formatter fixes that form (single
 * quotes, a statement at the start of a line), and `make check` runs it, so nothing escapes by layout.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

export interface Import {
  /** A path relative to the root for our own files, the specifier for packages. */
  target: string
  /** Ours, as opposed to a package's or Node's. */
  own: boolean
  /** Erased before it runs. */
  typeOnly: boolean
}

export interface SourceFile {
  /** Relative to the root, with forward slashes: `src/kafka/watermark.ts`. */
  path: string
  text: string
  imports: Import[]
}

/** Reads every TypeScript file under the folder. */
export function readSourceTree(root: string, folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted()
    .map((path) => sourceFile(path, readFileSync(join(root, path), 'utf8')))
}

export function sourceFile(path: string, text: string): SourceFile {
  const code = withoutComments(text)
  const imports: Import[] = []
  for (const match of code.matchAll(/^(?:import|export)\s+(type\s)?([^'"`;=]*?)from\s+'([^']+)'/gm)) {
    const typeOnly = match[1] !== undefined || everySpecifierIsAType(match[2]!)
    imports.push(importOf(path, match[3]!, typeOnly))
  }
  const bare = /^import\s+'([^']+)'/gm
  const dynamic = /\b(?:import|require|require\.resolve|import\.meta\.resolve)\(\s*'([^']+)'/g
  for (const pattern of [bare, dynamic]) {
    for (const match of code.matchAll(pattern)) imports.push(importOf(path, match[1]!, false))
  }
  return { path, text, imports }
}

function importOf(from: string, specifier: string, typeOnly: boolean): Import {
  const own = specifier.startsWith('.')
  return { target: own ? posix.join(posix.dirname(from), specifier) : specifier, own, typeOnly }
}

function everySpecifierIsAType(clause: string): boolean {
  const braces = /^\{([^}]*)\}\s*$/.exec(clause.trim())
  if (braces === null) return false
  const specifiers = braces[1]!.split(',').filter((specifier) => specifier.trim() !== '')
  return specifiers.length > 0 && specifiers.every((specifier) => /^\s*type\s/.test(specifier))
}

/** The code alone. Line comments count only at a line's start or after a blank, so that `https://` in a string stays. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

/** `@scope/name/deep` → `@scope/name`; `node:fs/promises` stays whole. */
export function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
