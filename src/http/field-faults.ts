/**
 * What a zod schema refuses, as field faults: where it is, and what was expected there in the words of whoever has to
 * mend it. Never what was received: it may be an address, a token or a text.
 */
import type { z } from 'zod'
import type { FieldFault } from '../domain/refusal.ts'

type Issue = z.core.$ZodIssue
type RawIssue = z.core.$ZodRawIssue

/** A longer list helps nobody, and a request may make it as long as it likes. */
const faultsMax = 50
/** Of a name that the request chose. */
const segmentCharactersMax = 64

/** How to parse, so that every issue's message says what was expected. A schema's own message goes before it. */
export const parsedWithExpectations: z.core.ParseContext<Issue> = { error: expectationOf }

/** @param within the path of what was parsed, where it is a part of the body. */
export function fieldFaults(error: z.core.$ZodError, within: readonly (string | number)[] = []): FieldFault[] {
  return error.issues.flatMap((issue) => faultsOf(issue, [...within])).slice(0, faultsMax)
}

/** RFC 6901: a key of the request may itself hold a slash. */
function pointer(path: readonly PropertyKey[]): string {
  return `/${path.map((segment) => String(segment).slice(0, segmentCharactersMax).replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`
}

function faultsOf(issue: Issue, within: readonly PropertyKey[]): FieldFault[] {
  const path = [...within, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: pointer([...path, key]), expected: 'no field of this name' }))
  }
  if (issue.code === 'invalid_union') {
    const nearest = nearestBranch(issue.errors)
    if (nearest !== undefined) return nearest.flatMap((each) => faultsOf(each, path))
  }
  return [{ field: pointer(path), expected: issue.message }]
}

/** The branch that was probably meant: one whose type is right, if there is exactly one. */
function nearestBranch(branches: readonly Issue[][]): Issue[] | undefined {
  const ofRightType = branches.filter((issues) =>
    issues.every(({ code, path }) => code !== 'invalid_type' || path.length > 0),
  )
  return ofRightType.length === 1 ? ofRightType[0] : undefined
}

function expectationOf(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return nameOfType[issue.expected] ?? `a value of type ${issue.expected}`
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${amount(issue.minimum, issue.origin)}`
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${amount(issue.maximum, issue.origin)}`
    case 'invalid_format':
      return (
        nameOfFormat[issue.format] ??
        (issue.format === 'regex' ? `text of the form ${issue.pattern}` : `a valid ${issue.format}`)
      )
    case 'invalid_value':
      return `one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`
    case 'invalid_key':
      return 'a key of the stated form'
    case 'invalid_union':
      return 'a value of one of the stated types'
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`
    case 'invalid_element':
    case 'unrecognized_keys':
    case 'custom':
      return 'a value of the stated form'
    default:
      return 'a valid value'
  }
}

const nameOfType: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  null: 'null',
  never: 'nothing here',
}

const nameOfFormat: Readonly<Record<string, string>> = {
  datetime: 'a time as RFC 3339 has it, with its offset from UTC',
  date: 'a date, YYYY-MM-DD',
  uuid: 'a UUID',
  email: 'an email address',
}

function amount(count: number | bigint, origin: string): string {
  if (origin === 'string') return `${count} characters`
  return origin === 'array' || origin === 'set' ? `${count} items` : String(count)
}
