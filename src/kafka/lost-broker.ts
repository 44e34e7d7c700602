/**
 * Mends how kafkajs meets a broker that is gone, or that hangs: takes connections and requests, and answers none.
 *
 * - After a request's time-out kafkajs keeps the connection and what it knew, and asks the same broker again, for minutes
 *   (measured: consumers stood still for as long as one of three brokers was frozen, while heartbeats to another one
 *   said that they lived). Ours takes a broker that did not answer in time for one that closed its connections.
 * - A consumer that cannot connect to the leader of a partition tries again ten times before it asks who leads now, and
 *   so does one that cannot reach its coordinator (measured: 38 to 47 s until work went on after a kill). Ours asks
 *   before the next try, and joins at the new coordinator as soon as there is one.
 * - A member that its group forgot, and that could not join again at the first try, has no id; kafkajs then sends no
 *   heartbeat, fetches on, and never joins (measured: alive, idle and without a line in its log, for as long as one
 *   looked). Ours joins.
 */

export interface PatchedConnection {
  socket?: { destroy(): void }
  /** Of an answer that has come in part. */
  chunks: Buffer[]
  bytesBuffered: number
  bytesNeeded: number
  isConnected(): boolean
  connect(): Promise<unknown>
  disconnect(): Promise<unknown>
  rejectRequests(error: Error): void
}

export interface PatchedPool {
  host: string
  port: number
  pool: PatchedConnection[]
  send(request: PatchedRequest): Promise<unknown>
}

export interface PatchedRequest {
  request: { apiName: string }
}

interface Coordinator {
  nodeId: number
}

export interface PatchedGroup {
  groupId: string
  /** Absent from the moment at which the coordinator does not know the member until it has joined again. */
  memberId: string | null
  coordinator: Coordinator
  cluster: {
    brokerPool: { metadataExpireAt: number | null }
    findGroupCoordinator(of: { groupId: string }): Promise<Coordinator>
  }
  heartbeat(options: object): Promise<unknown>
  recoverFromFetch(error: Error): Promise<void>
}

/** What of kafkajs is mended: its classes' prototypes, and the errors that it understands. */
export interface LostBrokerPatch {
  connection: PatchedConnection
  pool: PatchedPool
  group: PatchedGroup
  connectionClosed(message: string, at: { host: string; port: number }): Error
  /** Of a broker that was not reached at all: another one of the list is tried. */
  notConnected(message: string): Error
  /** NOT_COORDINATOR_FOR_GROUP, which makes a member join again. */
  notCoordinator(cause: Error): Error
}

export function leaveLostBrokers(patch: LostBrokerPatch): void {
  forgetHalfAnswers(patch.connection)
  closeWhereNoAnswerComes(patch)
  askAnewWhoLeads(patch.group)
  followTheCoordinator(patch)
}

/** The size of an answer, which comes before it. */
const sizeBytes = 4

/** What an earlier socket left half-read would be taken for the beginning of the next one's first answer. */
function forgetHalfAnswers(connection: PatchedConnection): void {
  const { connect } = connection
  connection.connect = function (this: PatchedConnection) {
    if (!this.isConnected()) Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: sizeBytes })
    return connect.call(this)
  }
}

/** The first request on a connection: it is part of connecting. */
const firstRequest = 'ApiVersions'

function closeWhereNoAnswerComes({ pool, connectionClosed, notConnected }: LostBrokerPatch): void {
  const { send } = pool
  pool.send = async function (this: PatchedPool, request) {
    try {
      return await send.call(this, request)
    } catch (error) {
      if (!isNamed(error, ['KafkaJSRequestTimeoutError'])) throw error
      const { host, port } = this
      const message = `No answer in time: ${error.message}`
      const isFirst = request.request.apiName === firstRequest
      const reason = isFirst ? notConnected(message) : connectionClosed(message, { host, port })
      for (const each of this.pool) close(each, reason)
      throw reason
    }
  }
}

function close(connection: PatchedConnection, reason: Error): void {
  if (!connection.isConnected()) return
  const { socket } = connection
  connection.rejectRequests(reason)
  // Late answers of a broker that goes on would be read in between those of the next socket.
  socket?.destroy()
  // It has nothing left to wait for.
  connection.disconnect().catch(() => {})
}

const unreached = ['KafkaJSConnectionError', 'KafkaJSConnectionClosedError']

function askAnewWhoLeads(group: PatchedGroup): void {
  const { recoverFromFetch } = group
  group.recoverFromFetch = function (this: PatchedGroup, error) {
    if (isNamed(error, unreached)) this.cluster.brokerPool.metadataExpireAt = null
    return recoverFromFetch.call(this, error)
  }
}

function followTheCoordinator({ group, notCoordinator }: LostBrokerPatch): void {
  const { heartbeat } = group
  group.heartbeat = async function (this: PatchedGroup, options) {
    if (this.memberId === null) throw notCoordinator(new Error('the group does not know this member'))
    try {
      return await heartbeat.call(this, options)
    } catch (error) {
      if (!isNamed(error, unreached)) throw error
      const { groupId, coordinator } = this
      // Where nobody knows a better one, joining would cost a rebalance, or end in an error that kafkajs gives up at.
      const now = await this.cluster.findGroupCoordinator({ groupId }).catch(() => coordinator)
      throw now.nodeId === coordinator.nodeId ? error : notCoordinator(error)
    }
  }
}

function isNamed(error: unknown, names: readonly string[]): error is Error {
  return error instanceof Error && names.includes(error.name)
}
