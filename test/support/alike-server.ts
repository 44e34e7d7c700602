/**
 * A server that answers every request alike, for answers that the provider simulator does not give.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'

export interface AlikeAnswer {
  status: number
  headers?: Record<string, string>
  body?: string
  /** Whether the connection is destroyed after the body, as if there were more to come. */
  cut?: boolean
}

export interface AlikeServer {
  /** Its origin: plain HTTP on this machine. */
  endpoint: string
  /** Of every request, in order. */
  paths: string[]
}

/** Runs the server for as long as the use takes, and leaves no connection behind. */
export async function withAlikeServer(answer: AlikeAnswer, use: (server: AlikeServer) => Promise<void>): Promise<void> {
  const paths: string[] = []
  const server = createServer((request, response) => {
    paths.push(request.url ?? '')
    request.resume()
    request.on('end', () => {
      response.writeHead(answer.status, answer.headers)
      if (answer.cut === true) response.write(answer.body ?? '', () => response.destroy())
      else response.end(answer.body)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await use({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths })
  } finally {
    server.close()
    server.closeAllConnections()
  }
}
