/**
 * What can be wrong with a configuration, in the words for the person who has to mend it.
 *
 * A received value is shown unless it is secret; of a URL the credentials and the query are cut out, and one that cannot
 * be parsed is not shown at all, since nobody knows where in it a password stands.
 */
export interface ConfigurationFault {
  variable: string
  expectation: string
  /** Redacted already. */
  received: string
}

/** Every fault of a configuration at once. The message is fit for a terminal: one line each, nothing secret. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly faults: readonly ConfigurationFault[]

  constructor(faults: readonly ConfigurationFault[]) {
    super(faults.map(faultLine).join('\n'))
    this.faults = faults
  }
}

function faultLine({ variable, expectation, received }: ConfigurationFault): string {
  return `${variable}: expected ${expectation}, received ${received}`
}

/** A value of a longer text is cut: a fault is one line. */
const shownLimit = 80

/** How a fault shows the value of a variable. */
export function shown(value: string | undefined, secret: 'no' | 'yes' | 'url'): string {
  if (value === undefined) return 'nothing'
  if (secret === 'yes') return '[redacted]'
  const showable = secret === 'url' ? withoutCredentials(value) : value
  if (showable === undefined) return '[redacted: not a URL]'
  const quoted = JSON.stringify(showable)
  return quoted.length > shownLimit ? `${quoted.slice(0, shownLimit)}…` : quoted
}

function withoutCredentials(value: string): string | undefined {
  if (!URL.canParse(value)) return undefined
  const { protocol, username, password, host, pathname, search } = new URL(value)
  // Without an authority (`user:password@host/db`) all of it lands in the path, and after an unescaped slash in the
  // password the rest of it does.
  if (host === '' || pathname.includes('@')) return undefined
  const credentials = username === '' && password === '' ? '' : '[redacted]@'
  return `${protocol}//${credentials}${host}${pathname}${search === '' ? '' : '?[redacted]'}`
}

const nearLimit = 3
const nearDistance = 3

/** The names that a misspelt one may have meant, nearest first. */
export function nearNames(misspelt: string, names: readonly string[]): string[] {
  return names
    .map((name) => ({ name, distance: editDistance(misspelt, name) }))
    .filter(({ distance }) => distance <= nearDistance)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, nearLimit)
    .map(({ name }) => name)
}

/** Levenshtein: the fewest insertions, deletions and replacements of one character. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [rowIndex, character] of Array.from(from).entries()) {
    const next = [rowIndex + 1]
    for (const [column, other] of Array.from(to).entries()) {
      const replaced = (row[column] ?? 0) + (character === other ? 0 : 1)
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
