/** What the roles of a run say about what they depend on: to whoever reads their logs, and to whoever counts. */
import type { Bench } from '../supervisor/bench.ts'

/** Lines of the roles' newest logs that match. */
export function linesTold(bench: Bench, pattern: RegExp, roles = bench.roles()): number {
  return roles.flatMap((role) => role.logTail(Infinity).split('\n')).filter((line) => pattern.test(line)).length
}

/** Of all roles together: the values of a metric whose labels include these. */
export async function counted(bench: Bench, metric: string, labels: Readonly<Record<string, string>>): Promise<number> {
  const wanted = Object.entries(labels).map(([name, value]) => `${name}="${value}"`)
  const pages = await Promise.all(bench.roles().map((role) => role.metrics()))
  return pages
    .flatMap((page) => page.split('\n'))
    .filter((line) => line.startsWith(`${metric}{`) && wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
