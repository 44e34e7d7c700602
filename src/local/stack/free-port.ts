/**
 * Chooses TCP ports for the stack's parts.
 *
 * Ports come from outside the range from which the kernel picks the source ports of outgoing connections. Inside it a
 * client that keeps trying to reach a part which is down (every fault test does) can be given the part's own port as
 * its source, connects to itself, and the part cannot come back. The standard ports of the parts lie outside both.
 *
 * A port that is free now can be taken a moment later: whoever uses it must be ready to ask for another.
 */
import { once } from 'node:events'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

const LOWEST_PORT = 20_000
const HIGHEST_PORT = 65_535
/** Below this many a range is too crowded to choose from. */
const SMALLEST_RANGE = 2_000
const TRIES_PER_PORT_LIMIT = 100

/** So that two parts that start side by side in this process never choose the same one. */
const alreadyChosen = new Set<number>()

/** Ports that are free on the loopback address at this moment, each handed out once per process. */
export async function chooseFreePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) ports.push(await chooseFreePort())
  return ports
}

/** Whether nothing listens on the port, on the loopback address or on all of them. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

async function chooseFreePort(): Promise<number> {
  const { lowest, highest } = portRange(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'))
  for (let tries = 0; tries < TRIES_PER_PORT_LIMIT; tries += 1) {
    const port = randomInt(lowest, highest + 1)
    if (alreadyChosen.has(port)) continue
    if (!(await isFree(port))) continue
    alreadyChosen.add(port)
    return port
  }
  throw new Error(`no free port found between ${lowest} and ${highest} in ${TRIES_PER_PORT_LIMIT} tries`)
}

/** The ports to choose from, given the kernel's range of source ports ("32768	60999"); ends included. */
export function portRange(sourcePortRange: string): { lowest: number; highest: number } {
  const [firstSource = HIGHEST_PORT, lastSource = HIGHEST_PORT] = sourcePortRange.trim().split(/\s+/).map(Number)
  if (firstSource - LOWEST_PORT >= SMALLEST_RANGE) return { lowest: LOWEST_PORT, highest: firstSource - 1 }
  if (HIGHEST_PORT - lastSource >= SMALLEST_RANGE) return { lowest: lastSource + 1, highest: HIGHEST_PORT }
  // Source ports cover nearly everything: take the risk rather than refuse to start.
  return { lowest: LOWEST_PORT, highest: HIGHEST_PORT }
}
