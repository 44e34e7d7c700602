/**
 * What people are written in: the asked template in its published version, in the first of their languages that it has,
 * and never with a hole in it.
 */
import { contentOf, missingVariables } from './content.ts'
import type { EventCase, Evidence } from './evidence.ts'
import type { DeliveryRow } from './observations.ts'
import type { Violation } from './report.ts'
import { requestChannelOf } from './words.ts'

export function findWritten({ cases }: Evidence): Violation[] {
  return cases.flatMap((each) =>
    each.rows.flatMap((row) => ofRow(row, each).map((rule) => ({ rule, subject: `${each.name} ${row.channel}` }))),
  )
}

function ofRow(row: DeliveryRow, { event, person, template }: EventCase): string[] {
  if (template === undefined) return ['routed with a template that is not there']
  if (row.templateId !== template.templateId || row.templateVersion !== template.version) {
    return ['routed with another template than the published one']
  }
  if (person === undefined) return []
  const content = contentOf(template, requestChannelOf(row.channel), { event, person })
  if (content === undefined) return ['routed where the template says nothing']
  const broken: string[] = []
  if (row.locale.toLowerCase() !== content.locale.toLowerCase()) broken.push('written in the wrong language')
  if (missingVariables(content, event).length > 0) broken.push('written with a variable missing')
  return broken
}
