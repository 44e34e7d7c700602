/**
 * The refusals of a route as its schema declares them, so that the OpenAPI document names every answer there is.
 */
import { z } from 'zod'
import type { RefusalKind } from '../domain/refusal.ts'
import { problemContentType, statusOf, titleOf } from './problem.ts'

const problemSchema = z
  .object({
    type: z.string().describe('A stable name, `urn:fanfare:problem:…`'),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    faults: z
      .array(
        z.object({
          field: z.string().describe('A JSON pointer into the body, or `query/…`, `path/…`, `header/…`'),
          expected: z.string(),
          received: z.string().optional(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem', description: 'A refusal (RFC 9457)' })

interface DeclaredAnswer {
  description: string
  content: { [problemContentType]: { schema: typeof problemSchema } }
}

/** What every route of the gateway may answer, whatever it does. */
const always: readonly RefusalKind[] = ['invalid', 'unauthenticated', 'forbidden', 'rate_limited', 'unavailable']

/**
 * The part of a route's `response` for its refusals: those that every route of the gateway has, and these.
 * @returns by status code.
 */
export function refusals(...kinds: readonly RefusalKind[]): Record<`${number}`, DeclaredAnswer> {
  const declared = [...always, ...kinds].map((kind) => [String(statusOf(kind)), declare(titleOf(kind))] as const)
  return Object.fromEntries([...declared, ['500', declare('Something of ours went wrong')] as const])
}

function declare(description: string): DeclaredAnswer {
  return { description, content: { [problemContentType]: { schema: problemSchema } } }
}
