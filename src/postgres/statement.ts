/**
 * The SQL texts: one statement per file in sql/, read once when the adapter that uses it is loaded.
 */
import { readFileSync } from 'node:fs'

export interface Statement {
  /** The file's name; each connection prepares the statement under it once. */
  name: string
  text: string
}

/** Reads `sql/<name>.sql`. Throws if there is none: a bug, found at start. */
export function loadStatement(name: string): Statement {
  return { name, text: readFileSync(new URL(`sql/${name}.sql`, import.meta.url), 'utf8') }
}
