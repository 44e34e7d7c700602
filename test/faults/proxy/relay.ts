/**
 * One direction of a proxied connection: takes bytes from one socket and hands them to the other, in order, as late and
 * as slowly as the line's conditions say at the moment of their arrival.
 *
 * Bounded: past the limit it stops reading, so a slow line pushes back on the sender as a real one does.
 */
import type { Socket } from 'node:net'

export interface LineConditions {
  /** Added to every chunk in each direction. */
  latencyMs: number
  /** Up to so much more, drawn for each chunk. */
  jitterMs: number
  /** Undefined for as fast as it goes. */
  bytesPerSecond?: number
}

/** What happens to bytes: pass them, keep them for later, or read and forget them. */
export type Passage = 'pass' | 'hold' | 'drop'

export interface Relay {
  /** The passage or the conditions changed. */
  changed(): void
  /** Ends its timer; the sockets are the caller's. */
  stop(): void
}

export interface RelayOptions {
  from: Socket
  to: Socket
  passage(): Passage
  conditions(): LineConditions
  random(): number
}

interface Parcel {
  /** Undefined for the end of the stream. */
  bytes: Buffer | undefined
  dueMs: number
}

const queuedBytesMax = 1_048_576

export function createRelay({ from, to, passage, conditions, random }: RelayOptions): Relay {
  const queue: Parcel[] = []
  let queuedBytes = 0
  let lastDueMs = 0
  let timer: NodeJS.Timeout | undefined
  let blocked = false

  from.on('data', (bytes: Buffer) => {
    if (passage() === 'drop') return
    enqueue(bytes)
  })
  from.on('end', () => enqueue(undefined))
  to.on('drain', () => {
    blocked = false
    pump()
  })

  function enqueue(bytes: Buffer | undefined): void {
    const { latencyMs, jitterMs, bytesPerSecond } = conditions()
    const onTheLineMs = bytesPerSecond === undefined ? 0 : ((bytes?.length ?? 0) * 1_000) / bytesPerSecond
    // Never before what was sent before it: bytes of a connection do not overtake each other.
    lastDueMs = Math.max(lastDueMs, performance.now() + latencyMs + jitterMs * random()) + onTheLineMs
    queue.push({ bytes, dueMs: lastDueMs })
    queuedBytes += bytes?.length ?? 0
    pump()
  }

  function pump(): void {
    clearTimeout(timer)
    if (passage() === 'hold') return void from.pause()
    for (let head = queue[0]; head !== undefined && !blocked; head = queue[0]) {
      const waitMs = head.dueMs - performance.now()
      if (waitMs > 0) {
        timer = setTimeout(pump, waitMs)
        break
      }
      queue.shift()
      queuedBytes -= head.bytes?.length ?? 0
      if (head.bytes === undefined) to.end()
      else blocked = !to.write(head.bytes)
    }
    if (queuedBytes < queuedBytesMax) from.resume()
    else from.pause()
  }

  pump()
  return { changed: pump, stop: () => clearTimeout(timer) }
}
