/**
 * What a template needs from an event, and what of it the event lacks.
 *
 * A variable is the name of a datum, or `list[].field`: a field of every map in a list. That is as deep as data goes.
 */
import type { TemplateData } from './notification.ts'

const fieldMark = '[].'

/** The variable that stands for a field of each map of a list. */
export function fieldVariable(list: string, field: string): string {
  return `${list}${fieldMark}${field}`
}

/** The name of the datum, and the field if the variable is one of a list's maps. */
export function variableParts(variable: string): { name: string; field: string | undefined } {
  const mark = variable.indexOf(fieldMark)
  if (mark === -1) return { name: variable, field: undefined }
  return { name: variable.slice(0, mark), field: variable.slice(mark + fieldMark.length) }
}

/** Those of the variables that the data does not give, in their order. A datum that is null is given. */
export function missingVariables(data: TemplateData, variables: readonly string[]): string[] {
  return variables.filter((variable) => !isGiven(data, variable))
}

function isGiven(data: TemplateData, variable: string): boolean {
  const { name, field } = variableParts(variable)
  // `in` would find what every object inherits.
  if (!Object.hasOwn(data, name)) return false
  const value = data[name]
  // Null is an empty list to a loop.
  if (field === undefined || value === null) return true
  return Array.isArray(value) && value.every((item) => Object.hasOwn(item, field))
}
