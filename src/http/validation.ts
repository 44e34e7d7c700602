/**
 * Validation of params, query, headers and body by the zod schema of the route.
 */
import type { FastifySchemaCompiler } from 'fastify'
import { safeParse, type $ZodType } from 'zod/v4/core'
import { fieldFaults, parsedWithExpectations } from './field-faults.ts'
import { Refused } from './refused.ts'

/** How the field of a fault begins; of the body with nothing. */
const places: Readonly<Record<string, string>> = { params: 'path', querystring: 'query', headers: 'header' }

export type Validate = (given: unknown) => { value: unknown } | { error: Refused }

/** @param httpPart as fastify calls it: `params`, `querystring`, `headers` or `body`. */
export function validatorOf(schema: $ZodType, httpPart: string): Validate {
  const place = places[httpPart] ?? ''
  return (given) => {
    const result = safeParse(schema, given, parsedWithExpectations)
    if (result.success) return { value: result.data }
    const faults = fieldFaults(result.error).map((fault) => ({ ...fault, field: `${place}${fault.field}` }))
    return { error: new Refused({ kind: 'invalid', faults }) }
  }
}

export const validatorCompiler: FastifySchemaCompiler<$ZodType> = ({ schema, httpPart = 'body' }) =>
  validatorOf(schema, httpPart)
