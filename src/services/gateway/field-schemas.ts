/**
 * Fields that several routes of the gateway share.
 */
import { z } from 'zod'
import { userIdMax } from '../../domain/user-id.ts'

export const userIdSchema = z.int().min(1).max(userIdMax).describe('A positive safe integer')

/** The same in a path or a query. */
export const userIdTextSchema = z
  .string()
  .regex(/^[1-9][0-9]{0,15}$/, 'a positive whole number')
  .transform(Number)
  .refine((id) => id <= userIdMax, `at most ${userIdMax}`)

/** A moment as RFC 3339 has it. */
export const momentSchema = z.iso.datetime({ offset: true })

/** A moment that comes in, as Unix ms. */
export const givenMomentSchema = momentSchema.transform((text) => Date.parse(text))

export function momentText(unixMs: number): string {
  return new Date(unixMs).toISOString()
}

export function momentTextOrNull(unixMs: number | null): string | null {
  return unixMs === null ? null : momentText(unixMs)
}

/** How many items a page has. */
export function limitSchema({ max, byDefault }: { max: number; byDefault: number }) {
  return z
    .string()
    .regex(/^[1-9][0-9]{0,4}$/, `a whole number from 1 to ${max}`)
    .transform(Number)
    .refine((limit) => limit <= max, `at most ${max}`)
    .default(byDefault)
}
