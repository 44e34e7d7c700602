/**
 * The table of docs/configuration.md, made from the variables themselves. Run as a program it writes the table into the
 * file; the test beside it fails where both differ.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configurationVariables, type VariableDescription } from '../../../src/config.ts'

const file = join(import.meta.dirname, '../../../docs/configuration.md')
const begin = '<!-- variables: written by `node test/unit/configuration/configuration-table.ts` -->\n'
const end = '<!-- end of variables -->\n'

export function configurationTable(): string {
  const rows = configurationVariables.map(
    (variable) =>
      `| \`${variable.name}\` | ${variable.section} | ${defaultOf(variable)} | ${variable.meaning} | ${variable.expectation}${secrecy[variable.secret]} |`,
  )
  return ['| Variable | Section | Default | Meaning | Value |', '|---|---|---|---|---|', ...rows, ''].join('\n')
}

const secrecy = { no: '', url: '', yes: ' (secret)' }

function defaultOf({ default: value, optional }: VariableDescription): string {
  if (optional) return 'none'
  if (value === undefined) return '**required**'
  return value === '' ? 'empty' : `\`${value}\``
}

/** What stands between the two marks of the document. */
export function documentedTable(): string {
  const { document, from, to } = readDocument()
  return document.slice(from, to)
}

function readDocument() {
  const document = readFileSync(file, 'utf8')
  const from = document.indexOf(begin) + begin.length
  const to = document.indexOf(end)
  if (from < begin.length || to === -1) throw new Error(`${file} has lost the marks around its table`)
  return { document, from, to }
}

if (import.meta.main) {
  const { document, from, to } = readDocument()
  writeFileSync(file, document.slice(0, from) + configurationTable() + document.slice(to))
}
