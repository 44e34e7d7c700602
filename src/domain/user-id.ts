/**
 * Ids of people: whole numbers that every language, Avro and JSON keep exactly.
 */

/** One below the largest safe integer: the Avro library refuses that one itself. */
export const userIdMax = Number.MAX_SAFE_INTEGER - 1

export function isUserId(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && value <= userIdMax
}

/** As keys of records and paths write it: decimal digits, no sign, no zero in front. Undefined for anything else. */
export function parseUserId(text: string): number | undefined {
  const userId = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : 0
  return isUserId(userId) ? userId : undefined
}
