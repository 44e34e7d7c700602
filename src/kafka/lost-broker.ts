/**
 * Mends how kafkajs meets a broker that is gone, or that hangs: takes connections and requests, and answers none.
 *
 * - After a request's time-out kafkajs keeps the connection and what it knew, and asks the same broker again, for minutes
 *   (measured: consumers stood still for as long as one of three brokers was frozen, while heartbeats to another one
 *   said that they lived). Ours takes a broker that did not answer in time for one that closed its connections, and does
 *   not connect to it again for a while: a broker that hangs still takes connections, so every look-up would choose it
 *   again and wait for another time-out (measured: 60 s and more until the last of them was over).
 * - A consumer that cannot connect to the leader of a partition tries again ten times before it asks who leads now
 *   (measured: 38 to 47 s until work went on after a kill). Ours asks before the next try.
 */
import type { PatchedConnection } from './one-socket.ts'

export interface PatchedPool {
  host: string
  port: number
  pool: PatchedConnection[]
  send(request: PatchedRequest): Promise<unknown>
}

export interface PatchedRequest {
  request: { apiName: string }
}

export interface PatchedFetching {
  cluster: { brokerPool: { metadataExpireAt: number | null } }
  recoverFromFetch(error: Error): Promise<void>
}

/** What of kafkajs is mended: its classes' prototypes, and the errors that it understands. */
export interface LostBrokerPatch {
  connection: PatchedConnection
  pool: PatchedPool
  group: PatchedFetching
  connectionClosed(message: string, at: { host: string; port: number }): Error
  /** Of a broker that was not reached at all: another one of the list is tried. */
  notConnected(message: string): Error
  /** Monotonic milliseconds. */
  clock(): number
  /** Whether this process itself stood still: what it then calls too late says nothing about the broker. */
  stalled(): boolean
}

export function leaveLostBrokers(patch: LostBrokerPatch): void {
  const avoided = new Map<string, number>()
  avoidForAWhile(patch, avoided)
  closeWhereNoAnswerComes(patch, avoided)
  askAnewWhoLeads(patch.group)
}

/** By then the cluster has noticed as well, and names another leader; of a cluster of one broker it is the price. */
const avoidedForMs = 10_000

function avoidForAWhile({ connection, notConnected, clock }: LostBrokerPatch, avoided: Map<string, number>): void {
  const { connect } = connection
  connection.connect = async function (this: PatchedConnection) {
    const until = avoided.get(addressOf(this)) ?? 0
    if (!this.isConnected() && clock() < until) throw notConnected('No answer in time a moment ago')
    return connect.call(this)
  }
}

/** The first request on a connection: it is part of connecting. */
const firstRequest = 'ApiVersions'
/** What a broker answers only when the other members of the group are ready, however well it is. */
const waitsForOthers = ['JoinGroup', 'SyncGroup']

function closeWhereNoAnswerComes(patch: LostBrokerPatch, avoided: Map<string, number>): void {
  const { pool, connectionClosed, notConnected, clock, stalled } = patch
  const { send } = pool
  pool.send = async function (this: PatchedPool, request) {
    try {
      return await send.call(this, request)
    } catch (error) {
      if (!isNamed(error, ['KafkaJSRequestTimeoutError'])) throw error
      const { host, port } = this
      const { apiName } = request.request
      const isItsFault = !waitsForOthers.includes(apiName) && !stalled()
      if (isItsFault) avoided.set(addressOf(this), clock() + avoidedForMs)
      const message = `No answer in time: ${error.message}`
      const reason = apiName === firstRequest ? notConnected(message) : connectionClosed(message, { host, port })
      for (const each of this.pool) close(each, reason)
      throw reason
    }
  }
}

function close(connection: PatchedConnection, reason: Error): void {
  if (!connection.isConnected()) return
  const { socket } = connection
  connection.rejectRequests(reason)
  // It has nothing left to wait for.
  connection.disconnect().catch(() => {})
  // Late answers of a broker that goes on would be read in between those of the next socket.
  socket?.destroy()
}

const unreached = ['KafkaJSConnectionError', 'KafkaJSConnectionClosedError']

/** Whether a request met nobody who could answer it. */
export function isUnreached(error: unknown): error is Error {
  return isNamed(error, unreached)
}

function askAnewWhoLeads(group: PatchedFetching): void {
  const { recoverFromFetch } = group
  group.recoverFromFetch = function (this: PatchedFetching, error) {
    if (isUnreached(error)) this.cluster.brokerPool.metadataExpireAt = null
    return recoverFromFetch.call(this, error)
  }
}

function addressOf({ host, port }: { host: string; port: number }): string {
  return `${host}:${port}`
}

function isNamed(error: unknown, names: readonly string[]): error is Error {
  return error instanceof Error && names.includes(error.name)
}
