/**
 * The admin port of every role: `/metrics` for Prometheus, `/livez` and `/readyz` for Kubernetes.
 *
 * It answers from memory only, so a probe never waits for a broker or a database. It speaks to the inside of a cluster:
 * no authentication, and nothing on it that would need any.
 */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

/** `detail` is one line for the person who reads the probe's answer; no secrets, no addresses of people. */
export interface Health {
  ok: boolean
  detail: string
}

export interface AdminServerOptions {
  host: string
  /** 0 takes any free port. */
  port: number
  registry: Registry
  /** Not ok means: restart this process. Never depends on another system's health. */
  live: () => Health
  /** Not ok means: not started yet, or stopping. */
  ready: () => Health
}

export interface AdminServer {
  /** The port that is really bound. */
  readonly port: number
  /** Idempotent; returns within a second even when a scraper holds its connection. */
  stop(): Promise<void>
}

/** How long an answer that is being written may take once the server stops. */
export const stopLimitMs = 1_000

/** A request whose headers or body take longer than this is cut off: it comes from no scraper. */
const requestLimitMs = 10_000

/**
 * Binds the port and serves.
 * @throws the bind's error (`EADDRINUSE`, `EACCES`) when the port cannot be had.
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const server = createServer({ requestTimeout: requestLimitMs }, (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      return answer(response, 405, 'text/plain', 'method not allowed\n')
    }
    const path = (request.url ?? '').split('?', 1)[0]
    if (path === '/metrics') void answerMetrics(response, options.registry)
    else if (path === '/livez') answerHealth(response, options.live)
    else if (path === '/readyz') answerHealth(response, options.ready)
    else answer(response, 404, 'text/plain', 'not found: /metrics, /livez and /readyz are here\n')
  })
  await listen(server, options)
  // A bound TCP server's address is never a string or null.
  const { port } = server.address() as AddressInfo
  let stopping: Promise<void> | undefined
  return { port, stop: () => (stopping ??= close(server)) }
}

async function answerMetrics(response: ServerResponse, registry: Registry): Promise<void> {
  try {
    answer(response, 200, registry.contentType, await registry.metrics())
  } catch {
    answer(response, 500, 'text/plain', 'a metric could not be collected\n')
  }
}

/** A probe that throws is a bug; it reads as unhealthy and must not end the process that it watches. */
function answerHealth(response: ServerResponse, check: () => Health): void {
  let health: Health
  try {
    health = check()
  } catch {
    health = { ok: false, detail: 'the check itself failed' }
  }
  answer(response, health.ok ? 200 : 503, 'application/json', `${JSON.stringify(health)}\n`)
}

function answer(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cutOff = setTimeout(() => server.closeAllConnections(), stopLimitMs)
    server.close(() => {
      clearTimeout(cutOff)
      resolve()
    })
    // Keep-alive connections between two scrapes would hold the close back.
    server.closeIdleConnections()
  })
}
