import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Command } from 'commander'
import { programs } from '../../../src/cli/programs.ts'
// All programs are loaded into one process here, and the mended client insists on being the first to load kafkajs.
import '../../../src/kafka/kafkajs.ts'
import { codeLines, inlineCode, readDocuments, root, type Document } from './markdown.ts'

/** One command of a line of shell, its words without quotes. */
type Call = string[]

/** Lines of shell are cut at `;`, `&&`, `||` and `|`, and lose the variables that are set in front. */
function callsOf(line: string): Call[] {
  return line
    .split(/;|&&|\|\||\|/)
    .map((part) => [...part.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? ''))
    .map((words) => words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word))))
    .filter((words) => words.length > 0)
}

/** Everything that a reader may type: blocks of shell, and calls in the running text. */
function documentedCalls(document: Document): Call[] {
  const running = inlineCode(document).filter((code) => /^(\.\/)?(fanfare|make) /.test(code))
  return [...codeLines(document, 'sh'), ...running].flatMap(callsOf)
}

const isFanfare = ([name]: Call) => name === 'fanfare' || name === './fanfare'

/** Lets commander judge names, options, values and missing arguments, and does nothing else. */
async function parseOnly([name = '', ...args]: Call): Promise<void> {
  const program = programs[name]
  assert.ok(program !== undefined, `there is no program "${name}"`)
  const command = await program.load()
  disarm(command)
  await command.parseAsync(args, { from: 'user' })
}

function disarm(command: Command): void {
  command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} })
  if (command.commands.length === 0) command.action(() => {})
  for (const child of command.commands) disarm(child)
}

const documents = readDocuments()
const makefile = readFileSync(join(root, 'Makefile'), 'utf8')
const targets = new Set([...makefile.matchAll(/^([a-z][a-z-]*):/gm)].map((match) => match[1]))

describe('the commands of the documents', () => {
  for (const document of documents) {
    const calls = documentedCalls(document)
    const fanfareCalls = calls.filter(isFanfare).map(([, ...args]) => args)
    for (const text of new Set(fanfareCalls.map((args) => args.join(' ')))) {
      test(`exist: ${document.path}, fanfare ${text}`, async () => {
        const args = fanfareCalls.find((each) => each.join(' ') === text) ?? []
        await assert.doesNotReject(parseOnly(args))
      })
    }
    for (const [, target = ''] of calls.filter(([name]) => name === 'make')) {
      test(`exist: ${document.path}, make ${target}`, () => assert.ok(targets.has(target)))
    }
  }

  test('are really found', () => {
    const all = documents.flatMap(documentedCalls)
    assert.ok(all.some((call) => isFanfare(call) && call.includes('--replicas')))
    assert.ok(all.some(([name, target]) => name === 'make' && target === 'demo'))
  })

  test('are judged: an unknown program, an unknown option and a missing value are refused', async () => {
    await assert.rejects(parseOnly(['nothing']))
    await assert.rejects(parseOnly(['topics', 'aply']))
    await assert.rejects(parseOnly(['topics', 'apply', '--replica', '1']))
    await assert.rejects(parseOnly(['topics', 'apply', '--replicas', 'many']))
    await parseOnly(['topics', 'apply', '--replicas', '1'])
  })
})
