/**
 * A TCP proxy that goes wrong on command: what stands between Fanfare and each thing that it depends on.
 *
 * It knows no protocol. Faults take hold of existing connections as well as new ones, at once, and end with `heal`; a
 * line that is merely slow stays slow until `slow` says otherwise. Its port lies outside the range of source ports, so
 * that a client that keeps trying a refused port cannot connect to itself.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { chooseFreePorts } from '../../../src/local/stack/free-port.ts'
import { createRelay, type LineConditions, type Passage, type Relay } from './relay.ts'

export interface ProxyTarget {
  host: string
  port: number
}

/**
 * - open: passes everything on.
 * - blackhole: accepts and never answers; existing connections stand still. Nothing is lost: after `heal` all goes on.
 * - reset: existing connections are reset, new ones right after they are accepted.
 * - refuse: existing connections are reset, and nobody listens.
 * - lose-answers: requests arrive, answers vanish; `heal` resets the connections that are missing some.
 */
export type ProxyMode = 'open' | 'blackhole' | 'reset' | 'refuse' | 'lose-answers'

export interface TcpProxy {
  readonly port: number
  /** Where connections go; those that came before wait for it. */
  aim(target: ProxyTarget): void
  /** Puts a fault in force, or another one in its place. Resolves when it is. */
  break(mode: Exclude<ProxyMode, 'open'>): Promise<void>
  /** Ends the fault; conditions of the line stay. */
  heal(): Promise<void>
  /** Conditions of the line in each direction, for whatever arrives from now on; none makes it fast again. */
  slow(conditions: Partial<LineConditions>): void
  /** Resets every connection once; new ones are served as the mode says. */
  resetConnections(): void
  /** Open client connections. */
  connections(): number
  close(): Promise<void>
}

interface Connection {
  client: Socket
  upstream: Socket | undefined
  relays: Relay[]
}

/** @param random evenly from 0 to below 1, for jitter. */
export async function startTcpProxy({ random }: { random: () => number }): Promise<TcpProxy> {
  const [port = 0] = await chooseFreePorts(1)
  const connections = new Set<Connection>()
  let target: ProxyTarget | undefined
  let mode: ProxyMode = 'open'
  let conditions: LineConditions = { latencyMs: 0, jitterMs: 0 }

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    client.on('error', () => {})
    if (mode === 'reset') return void client.resetAndDestroy()
    const connection: Connection = { client, upstream: undefined, relays: [] }
    connections.add(connection)
    client.on('close', () => end(connection))
    serve(connection)
  })

  /** Connects upstream, unless it has to wait for the target or the end of a blackhole. */
  function serve(connection: Connection): void {
    const { client, upstream: before } = connection
    if (before !== undefined || target === undefined || mode === 'blackhole') return
    const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true })
    connection.upstream = upstream
    upstream.on('error', () => client.resetAndDestroy())
    upstream.on('close', (hadError) => {
      if (!hadError) client.destroy()
    })
    upstream.on('connect', () => {
      const both = { conditions: () => conditions, random }
      connection.relays = [
        createRelay({ ...both, from: client, to: upstream, passage: () => passage('request') }),
        createRelay({ ...both, from: upstream, to: client, passage: () => passage('answer') }),
      ]
    })
  }

  function passage(direction: 'request' | 'answer'): Passage {
    if (mode === 'blackhole') return 'hold'
    return mode === 'lose-answers' && direction === 'answer' ? 'drop' : 'pass'
  }

  function end(connection: Connection): void {
    for (const relay of connection.relays) relay.stop()
    connection.upstream?.destroy()
    connections.delete(connection)
  }

  function resetConnections(): void {
    for (const { client, upstream } of connections) {
      client.resetAndDestroy()
      upstream?.resetAndDestroy()
    }
  }

  async function switchTo(next: ProxyMode): Promise<void> {
    const before = mode
    mode = next
    if (next === 'reset' || next === 'refuse' || before === 'lose-answers') resetConnections()
    if (next === 'refuse') await stopListening(server)
    else if (before === 'refuse') await listen(server, port)
    for (const connection of connections) {
      serve(connection)
      for (const relay of connection.relays) relay.changed()
    }
  }

  await listen(server, port)
  return {
    port,
    aim: (given) => {
      target = given
      for (const connection of connections) serve(connection)
    },
    break: switchTo,
    heal: () => switchTo('open'),
    slow: (given) => {
      conditions = { latencyMs: 0, jitterMs: 0, ...given }
    },
    resetConnections,
    connections: () => connections.size,
    close: async () => {
      resetConnections()
      await stopListening(server)
    },
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  await closed
}
