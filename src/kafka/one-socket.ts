/**
 * Mends what kafkajs's connections take for their state: one socket at a time, and closed from one step to the next.
 *
 * - Two callers that find a connection closed both connect it. It has two sockets then and knows the later one; whatever
 *   happens to the other one rejects requests and closes the connection. Ours connects once for all who wait.
 * - A connection that closes counts as connected until a later turn, and then switches off its requests' time-outs. A
 *   request that comes in between is written to nobody and never ends, and neither does the fetcher that waits for it:
 *   its member heartbeats no more. Ours is closed in the step in which nothing is under way any more.
 * - What an earlier socket still tells (an error after its end) concerns nobody; and what it left half-read would be taken
 *   for the beginning of the next one's first answer.
 */
export interface PatchedSocket {
  destroy(error?: Error): void
  destroySoon(): void
  unref(): void
  on(event: 'error', listener: () => void): unknown
  removeAllListeners(event: string): unknown
}

export interface PatchedConnection {
  host: string
  port: number
  socket?: PatchedSocket
  connectionStatus: string
  authenticatedAt: unknown
  requestQueue: {
    inflight: { size: number }
    pending: { length: number }
    waitForPendingRequests(): Promise<void>
    destroy(): void
  }
  /** Of an answer that has come in part. */
  chunks: Buffer[]
  bytesBuffered: number
  bytesNeeded: number
  isConnected(): boolean
  connect(): Promise<unknown>
  disconnect(): Promise<unknown>
  rejectRequests(error: Error): void
}

export function keepOneSocket(connection: PatchedConnection): void {
  connectOnce(connection)
  closeInOneStep(connection)
}

/** The size of an answer, which comes before it. */
const sizeBytes = 4

function connectOnce(connection: PatchedConnection): void {
  const { connect } = connection
  const underWay = new WeakMap<PatchedConnection, Promise<unknown>>()
  connection.connect = function (this: PatchedConnection) {
    if (this.isConnected()) return Promise.resolve(true)
    const already = underWay.get(this)
    if (already !== undefined) return already
    Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: sizeBytes })
    const connecting = connect.call(this).finally(() => underWay.delete(this))
    underWay.set(this, connecting)
    return connecting
  }
}

function closeInOneStep(connection: PatchedConnection): void {
  connection.disconnect = async function (this: PatchedConnection) {
    const { socket, requestQueue } = this
    // Whoever closes it on purpose lets its requests end; each of them has its time-out.
    while (this.isConnected() && isBusy(requestQueue)) await requestQueue.waitForPendingRequests()
    // It may have been closed and connected again meanwhile.
    if (this.socket === socket) closeNow(this)
    return true
  }
}

function isBusy({ inflight, pending }: PatchedConnection['requestQueue']): boolean {
  return inflight.size > 0 || pending.length > 0
}

/** kafkajs's name for it. */
const disconnected = 'disconnected'
const socketEvents = ['data', 'end', 'error', 'timeout']

function closeNow(connection: PatchedConnection): void {
  const { socket } = connection
  const wasConnected = connection.isConnected()
  connection.authenticatedAt = null
  connection.connectionStatus = disconnected
  connection.requestQueue.destroy()
  if (socket === undefined) return
  if (wasConnected) {
    for (const event of socketEvents) socket.removeAllListeners(event)
    socket.on('error', () => {})
    socket.destroySoon()
    socket.unref()
  } else {
    // One that has ended already, or that still connects: then whoever waits for it hears of its error.
    socket.destroy(new Error('closed before it was connected'))
  }
}
