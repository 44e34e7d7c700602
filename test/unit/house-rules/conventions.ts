/**
 * The conventions that no linter knows: each a function from files to one sentence per breach, with its reason.
 */
import { basename } from 'node:path'
import { packageOf, withoutComments, type SourceFile } from './source-tree.ts'

const linesLimit = 400
const emptyNames = ['util', 'utils', 'helper', 'helpers', 'manager', 'managers', 'common', 'misc']

export function nameBreaches(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path }) => {
    const words = path.replace(/(\.test)?\.ts$/, '').split(/[/.-]/)
    const empty = words.find((word) => emptyNames.includes(word))
    if (empty === undefined) return []
    return [`${path}: "${empty}" says nothing about what is inside, so everything ends up there`]
  })
}

export function barrelBreaches(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path, text }) => basename(path) === 'index.ts' || /^export \*/m.test(withoutComments(text)))
    .map(({ path }) => `${path} is a barrel: it loads what nobody asked for and hides cycles`)
}

export function sizeBreaches(files: readonly SourceFile[]): string[] {
  return files
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > linesLimit)
    .map(({ path, lines }) => `${path} has ${lines} lines: past ${linesLimit} it holds more than one concept`)
}

export function openingBreaches(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ text }) => !text.startsWith('/**'))
    .map(({ path }) => `${path} does not open with what it owns and guarantees: a reader starts there`)
}

interface Ban {
  pattern: RegExp
  /** Where the pattern is refused; files under one of `except` are excused. */
  within: string
  except: readonly string[]
  reason: string
}

const bans: readonly Ban[] = [
  {
    pattern:
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.|\bcrypto\.|\bprocess\.|\bset(Timeout|Interval|Immediate)\(|\bfetch\(/,
    within: 'src/domain/',
    except: [],
    reason: 'domain/ is pure: clock, randomness and the outside are arguments',
  },
  {
    pattern: /\bprocess\.env\b/,
    within: 'src/',
    except: ['src/config.ts', 'src/local/stack/'],
    reason: 'only config.ts reads the environment, so every fault in it is reported at once (the stack hands it on)',
  },
  {
    pattern: /\bidempotent:\s*true\b/,
    within: '',
    except: [],
    reason:
      'kafkajs rolls sequences back on an error and uses them again for the next batch, so that the broker can ' +
      'acknowledge a batch that it dropped',
  },
]

export function banBreaches(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const code = withoutComments(text)
    return bans
      .filter(({ within, except }) => path.startsWith(within) && !except.some((prefix) => path.startsWith(prefix)))
      .flatMap(({ pattern, reason }) => {
        const found = pattern.exec(code)
        return found === null ? [] : [`${path} says ${found[0]}: ${reason}`]
      })
  })
}

/** The packages that the project was asked to be built on: each is loaded by src/, not merely installed. */
const packagesOfTheCard = [
  'kafkajs',
  '@kafkajs/confluent-schema-registry',
  'ioredis',
  'knex',
  'pg',
  'firebase-admin',
  'twilio',
  '@sendgrid/mail',
  'prom-client',
]

export function unusedPackages(files: readonly SourceFile[]): string[] {
  const loaded = new Set(
    files.flatMap(({ imports }) => imports.filter(({ typeOnly }) => !typeOnly).map(({ target }) => packageOf(target))),
  )
  return packagesOfTheCard.filter((name) => !loaded.has(name)).map((name) => `nothing in src/ loads ${name}`)
}
