/**
 * A row of the matrix: one fault, and what it must not do. Everything is judged by the checker; a row adds only what the
 * checker cannot know, such as that work went on while the fault lasted.
 */
import type { Bench } from '../supervisor/bench.ts'
import type { RoleSpec } from '../supervisor/supervised-role.ts'

export interface FaultRow {
  /** For `ROW=` and the name of its results. */
  name: string
  /** As the matrix says it. */
  fault: string
  /** Three where the fault is about brokers; one if absent. */
  brokerCount?: 1 | 3
  /** Whether it measures times, and so needs the machine for itself. */
  alone?: boolean
  /** What runs; all roles of the bulk lane if absent. */
  roles?: readonly RoleSpec[] | ((openedAtMs: number) => readonly RoleSpec[])
  /** Does the harm under load. Returns what was not as it should be, a sentence each. The runner waits for the rest. */
  run(bench: Bench): Promise<string[]>
}

const lane = ['--lane', 'bulk']

/** One process for each role of the bulk lane and the channels that the people of a run can be reached on. */
export const bulkRoles: readonly RoleSpec[] = [
  { name: 'router', command: ['router', ...lane] },
  ...['sms', 'email', 'ios'].map((channel) => ({
    name: `sender-${channel}`,
    command: ['sender', '--channel', channel, ...lane],
  })),
  { name: 'retry', command: ['retry', ...lane] },
]

/** Another process of the same role. */
export function anotherOf(name: string, as: string): RoleSpec {
  const spec = bulkRoles.find((each) => each.name === name)
  if (spec === undefined) throw new Error(`there is no role ${name}`)
  return { ...spec, name: as }
}

/** Ends that nobody asked for: a fault that a role gets over only by being started again. */
export function unplannedEnds(bench: Bench): string[] {
  return bench
    .roles()
    .filter((role) => role.unplannedEnds() > 0)
    .map((role) => `${role.name} ended ${role.unplannedEnds()} times by itself:\n${role.logTail(5)}`)
}
