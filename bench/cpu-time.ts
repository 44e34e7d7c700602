/**
 * The processor time that processes have used, from Linux's process table: proc(5), /proc/<pid>/stat.
 */
import { readFileSync } from 'node:fs'
import { descendantsOf } from '../src/local/stack/process-table.ts'

/** USER_HZ: what the kernel shows to programs, on every Linux that Node runs on. */
const ticksPerSecond = 100

/** Of a process, its living descendants and those that it has waited for, in ms; the kernel counts in steps of 10 ms. */
export function cpuTimeMs(pid: number): number {
  const ticks = [pid, ...descendantsOf(pid).map((each) => each.pid)].map(ticksOf)
  return (ticks.reduce((sum, each) => sum + each, 0) * 1_000) / ticksPerSecond
}

function ticksOf(pid: number): number {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    // It has ended since.
    return 0
  }
  // The second column is the command in brackets and may hold anything; column 3 comes first behind it.
  const columns = stat.slice(stat.lastIndexOf(') ') + 2).split(' ')
  // utime, stime, cutime and cstime are columns 14 to 17.
  return columns.slice(11, 15).reduce((sum, column) => sum + Number(column), 0)
}
