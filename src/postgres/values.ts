/**
 * How values pass between domain types and Postgres: columns for `unnest`, instants, integers, text from outside.
 */

/** Turns rows round: the values of one column, as `unnest` takes them. */
export function column<Row, Value>(rows: readonly Row[], valueOf: (row: Row) => Value): Value[] {
  return rows.map(valueOf)
}

/** Unix ms as a timestamptz parameter, exact to the millisecond. */
export function timestampOf(unixMs: number): string {
  return new Date(unixMs).toISOString()
}

export function timestampOrNull(unixMs: number | null): string | null {
  return unixMs === null ? null : timestampOf(unixMs)
}

/** A bigint column as a number. Throws beyond the safe integers: nothing that is written as a number lies there. */
export function safeIntegerOf(bigintText: string): number {
  const number = Number(bigintText)
  if (!Number.isSafeInteger(number)) throw new RangeError('a bigint column holds more than a safe integer')
  return number
}

/** Text from a provider or a network, which may hold what no text column can: U+0000 (SQLSTATE 22021). */
export function withoutNul(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\0', '')
}

/** Groups by UTC day: a statement of the hot path works in one partition, or its plan would visit them all. */
export function groupByDay<Item>(items: readonly Item[], dayOfItem: (item: Item) => string): Map<string, Item[]> {
  return Map.groupBy(items, dayOfItem)
}

/**
 * Throws if two items have the same key: one statement that meets a row twice would write it twice or, in a snapshot
 * that cannot see the first, answer nonsense for the second. A bug of the caller, so it throws.
 */
export function assertDistinct<Item>(items: readonly Item[], keyOf: (item: Item) => string, what: string): void {
  if (new Set(items.map(keyOf)).size !== items.length) throw new Error(`two ${what} of one call have the same key`)
}
