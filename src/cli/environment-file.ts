/**
 * A file of environment variables for a POSIX shell, so that what one terminal started can be used in another:
 * `set -a; . .fanfare/stack.env`.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes the file, readable by its owner only: the values may hold credentials. Several lines in a value are kept. */
export function writeEnvironmentFile(path: string, variables: Readonly<Record<string, string>>): void {
  const lines = Object.entries(variables).map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'\n`)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, lines.join(''), { mode: 0o600 })
}
