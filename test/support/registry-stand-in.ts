/**
 * A server in the registry's place that misbehaves as told, for what the real one cannot be made to do.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void

export interface RegistryStandIn {
  url: string
  /** `GET /schemas/ids/7`, in the order of arrival. */
  requests: readonly string[]
  behave(behaviour: Behaviour): void
  stop(): Promise<void>
}

export async function startRegistryStandIn(first: Behaviour): Promise<RegistryStandIn> {
  const requests: string[] = []
  let behaviour = first
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    behaviour(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    behave: (next) => {
      behaviour = next
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Accepts the request and never answers. */
export const hang: Behaviour = () => {}

/** Begins an answer and never ends it. */
export const beginOnly: Behaviour = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"schema": "')
}

export function answer(status: number, body: string | object): Behaviour {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}

export const unknownId = answer(404, { error_code: 40403, message: 'Schema not found' })
