/**
 * NDJSON in and out (one JSON value a line) for bodies that are larger than memory: lines come as they arrive, each within
 * a limit, and answers go out meanwhile.
 *
 * Nothing waits for the answer to be read: many clients send their whole body before they read a word, and both sides
 * would wait for each other for ever. So whoever answers here bounds how much it says.
 */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { HttpServer } from './server.ts'
import { Refused } from './refused.ts'

export const ndjsonContentType = 'application/x-ndjson'

/** Routes of this server take NDJSON and nothing else; their handlers find the bytes in `request.body`. */
export function takeNdjson(server: HttpServer): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser(ndjsonContentType, (_request, payload, done) => done(null, payload))
  server.addContentTypeParser('*', (_request, _payload, done) => {
    done(new Refused({ kind: 'unsupported_media_type', expected: ndjsonContentType }))
  })
}

/** Lines are counted from 1. */
export type BodyLine =
  | { kind: 'line'; number: number; text: string }
  /** Over the limit of a line; nothing of it was kept. */
  | { kind: 'too_long'; number: number }
  | { kind: 'not_utf8'; number: number }
  /** The body is over its limit, or its connection broke: nothing follows either. */
  | { kind: 'too_large' }
  | { kind: 'broken_off' }

export interface BodyLimits {
  lineBytesMax: number
  bodyBytesMax: number
}

const newline = 0x0a

/** The lines of a body that are not blank. Never throws. */
export async function* bodyLines(
  body: AsyncIterable<Uint8Array>,
  { lineBytesMax, bodyBytesMax }: BodyLimits,
): AsyncGenerator<BodyLine, void, void> {
  let bodyBytes = 0
  let number = 1
  let parts: Uint8Array[] = []
  let lineBytes = 0

  function take(part: Uint8Array): void {
    lineBytes += part.length
    // What is over the limit is only counted.
    if (lineBytes <= lineBytesMax) parts.push(part)
    else parts = []
  }

  function endLine(): BodyLine | undefined {
    const line = lineBytes > lineBytesMax ? ({ kind: 'too_long', number } as const) : readLine(parts, number)
    parts = []
    lineBytes = 0
    number += 1
    return line
  }

  const chunks = body[Symbol.asyncIterator]()
  for (;;) {
    const chunk = await nextOf(chunks)
    if (chunk === 'broken_off') {
      yield { kind: 'broken_off' }
      return
    }
    if (chunk === 'end') break
    bodyBytes += chunk.length
    if (bodyBytes > bodyBytesMax) {
      yield { kind: 'too_large' }
      return
    }
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      take(chunk.subarray(start, end))
      start = end + 1
      const line = endLine()
      if (line !== undefined) yield line
    }
    if (start < chunk.length) take(chunk.subarray(start))
  }
  const last = endLine()
  if (last !== undefined) yield last
}

async function nextOf(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array | 'end' | 'broken_off'> {
  try {
    const { done, value } = await chunks.next()
    return done === true ? 'end' : value
  } catch {
    // A request throws for nothing else than its connection.
    return 'broken_off'
  }
}

/** Drops a byte order mark, which is none of a line's text. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** @returns undefined for a blank line. */
function readLine(parts: readonly Uint8Array[], number: number): BodyLine | undefined {
  try {
    const text = utf8.decode(Buffer.concat(parts)).trim()
    return text === '' ? undefined : { kind: 'line', number, text }
  } catch {
    return { kind: 'not_utf8', number }
  }
}

export interface NdjsonAnswer {
  /** Appends a line. */
  write(value: object): void
  end(): void
}

/** Answers 200 with lines, which are sent as they are written. The connection ends with the answer. */
export function answerNdjson(reply: FastifyReply): NdjsonAnswer {
  // It keeps what nobody has read yet.
  const lines = new Readable({ read: () => {} })
  // Whoever breaks off a body leaves a connection on which nobody knows where the next request begins.
  void reply.header('connection', 'close').type(ndjsonContentType).send(lines)
  return {
    write: (value) => void lines.push(`${JSON.stringify(value)}\n`),
    end: () => void lines.push(null),
  }
}
