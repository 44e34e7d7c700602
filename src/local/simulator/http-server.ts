/**
 * What the simulator's servers share of HTTP: listening (on this machine only, unless told otherwise), bounded bodies,
 * answering, and an end that leaves no connection behind.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { once } from 'node:events'
import { thisMachine, type Reaction, type ServerHost } from './simulator-server.ts'

export interface Listening {
  port: number
  /** Destroys every connection, then resolves. Idempotent. */
  stop(): Promise<void>
}

/**
 * As long as nginx keeps an idle connection by default. Node's 5 s would often end one at the very moment in which a
 * caller takes it up again: a reset that no provider's front end shows so often, and that only a script should.
 */
const idleConnectionLimitMs = 75_000

/**
 * Listens on 127.0.0.1 unless told otherwise. Takes http, https and http2 servers alike, since all are net servers
 * underneath.
 * @param port 0 takes a free one.
 * @throws if the port is taken.
 */
export async function listenLocally(server: Server, port: number, host: ServerHost = thisMachine): Promise<Listening> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    // A caller that resets its end is part of the play; without a listener it would end the process.
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  if ('keepAliveTimeout' in server) server.keepAliveTimeout = idleConnectionLimitMs
  server.listen(port, host.listen)
  await once(server, 'listening')
  let stopped: Promise<unknown> | undefined
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      if (stopped === undefined) {
        stopped = once(server, 'close')
        server.close()
        for (const socket of sockets) socket.destroy()
      }
      await stopped
    },
  }
}

/** Larger than any provider's limit, so that each server can refuse in its own words what is too large for it. */
const maxBodyBytes = 32 * 1024 * 1024

/** The whole body as text, or undefined if the caller went away or sent more than the limit: then there is no call. */
export async function readBody(request: AsyncIterable<Buffer>): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request) {
      bytes += chunk.length
      if (bytes > maxBodyBytes) return undefined
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Carries a reaction out on an HTTP/1.1 exchange. */
export function react(reaction: Reaction, exchange: { request: IncomingMessage; response: ServerResponse }): void {
  const { request, response } = exchange
  switch (reaction.kind) {
    case 'answer':
      response.writeHead(reaction.status, reaction.headers)
      response.end(reaction.body)
      return
    case 'hang':
      return
    case 'reset':
      request.socket.destroy()
      return
  }
}
