/**
 * The bulk import of people: lines in, and while they come, what was wrong with which line and how far it is.
 *
 * Batches are written whole. A connection that breaks leaves those that were written; what was read since is dropped, so
 * whoever repeats the whole import repeats nothing half.
 */
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import type { PersonChange } from '../../domain/person-change.ts'
import type { FieldFault } from '../../domain/refusal.ts'
import { parsedWithExpectations, fieldFaults } from '../../http/field-faults.ts'
import type { BodyLine } from '../../http/ndjson.ts'
import { changeOf, importedUserSchema } from './user-schemas.ts'

export interface ImportPorts {
  /** Writes a batch in one transaction, no two of a user, and the cache. */
  write(changes: readonly PersonChange[]): Promise<void>
  /** Told of what is no dependency's fault. */
  failed(error: unknown): void
}

/**
 * - too_large: the body is over its limit.
 * - too_many_faults: more lines are wrong than anybody reads.
 * - unavailable: something that this needs is away.
 * - internal_error: a mistake of ours.
 */
export const importEndReasons = ['too_large', 'too_many_faults', 'unavailable', 'internal_error'] as const

interface ImportCounts {
  /** That were read, blank ones left out. */
  lines: number
  /** That are written. */
  taken: number
  faulty: number
}

export type ImportReport =
  | { kind: 'fault'; line: number; faults: FieldFault[] }
  | ({ kind: 'progress' } & ImportCounts)
  | ({ kind: 'end'; complete: boolean; reason?: (typeof importEndReasons)[number] } & ImportCounts)

/** What one transaction writes. */
const peoplePerBatch = 500
/** Each is a line of the answer, which is kept until the client reads it. */
const faultyLinesMax = 10_000
/** Of one line: a wrong file has all of its fields wrong. */
const faultsPerLineMax = 5

/** Resolves when all is said; `report` of kind `end` is the last, but for a connection that breaks. */
export async function importUsers(
  lines: AsyncIterable<BodyLine>,
  report: (told: ImportReport) => void,
  ports: ImportPorts,
): Promise<void> {
  const counts: ImportCounts = { lines: 0, taken: 0, faulty: 0 }
  const batch = new Map<number, PersonChange>()

  async function flush(): Promise<void> {
    if (batch.size === 0) return
    await ports.write([...batch.values()])
    counts.taken += batch.size
    batch.clear()
    report({ kind: 'progress', ...counts })
  }

  async function takeAll(): Promise<'too_large' | 'too_many_faults' | 'broken_off' | undefined> {
    for await (const line of lines) {
      if (line.kind === 'too_large' || line.kind === 'broken_off') return line.kind
      counts.lines += 1
      const read = readLine(line)
      if (Array.isArray(read)) {
        counts.faulty += 1
        report({ kind: 'fault', line: line.number, faults: read.slice(0, faultsPerLineMax) })
        if (counts.faulty >= faultyLinesMax) return 'too_many_faults'
        continue
      }
      // Somebody who comes twice is written twice, in order: a batch is one statement.
      if (batch.has(read.userId)) await flush()
      batch.set(read.userId, read)
      if (batch.size >= peoplePerBatch) await flush()
    }
    return undefined
  }

  try {
    const reason = await takeAll()
    // Nobody is there to be told.
    if (reason === 'broken_off') return
    await flush()
    if (reason !== undefined) return report({ kind: 'end', complete: false, reason, ...counts })
    report({ kind: 'end', complete: true, ...counts })
  } catch (error) {
    const isAway = error instanceof DependencyUnavailable
    if (!isAway) ports.failed(error)
    report({ kind: 'end', complete: false, reason: isAway ? 'unavailable' : 'internal_error', ...counts })
  }
}

/** @returns the change, or what is wrong with the line, without anything of it but the names of fields. */
function readLine(line: Extract<BodyLine, { number: number }>): PersonChange | FieldFault[] {
  switch (line.kind) {
    case 'too_long':
      return [{ field: '/', expected: 'a line within the limit' }]
    case 'not_utf8':
      return [{ field: '/', expected: 'UTF-8' }]
    case 'line':
      return readJson(line.text)
  }
}

function readJson(text: string): PersonChange | FieldFault[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return [{ field: '/', expected: 'one JSON object' }]
  }
  const parsed = importedUserSchema.safeParse(value, parsedWithExpectations)
  if (!parsed.success) return fieldFaults(parsed.error)
  const { userId, devices, ...data } = parsed.data
  const registered = devices?.map((device) => ({ ...device, registeredAt: null }))
  return changeOf(userId, data, registered === undefined ? 'kept' : { registered, leftAlone: [] })
}
