/**
 * The process's log: one JSON line per event on standard output, written by pino.
 *
 * Guarantees what every caller relies on: no line carries a secret, a token, an address or a message body.
 * Two nets see to it, and neither excuses a caller who logs such a thing under another name:
 * - keys that hold such values by their name are censored down to two levels of nesting;
 * - errors are reduced to what a reader needs and what nobody else wrote: names, machine-readable codes, stack frames
 *   and the same of their causes. Their messages are left out, for those quote what they met: Postgres a row's values,
 *   a parser the text before the mistake, an HTTP client the body. What a person needs from a message belongs into a
 *   field of its own, named by whoever knows that it is harmless.
 */
import {
  pino,
  stdTimeFunctions,
  type DestinationStream,
  type Logger as PinoLogger,
  type LoggerOptions as LoggerSettings,
} from 'pino'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]
export type Logger = PinoLogger

export interface LoggerOptions {
  /** The role or command that speaks, on every line. */
  role: string
  /** Asked for each line where it may change while the process runs. */
  level: LogLevel | (() => LogLevel)
  /** Standard output unless given; tests collect lines here. */
  destination?: DestinationStream
}

/** A logger for one process; parts of it take `logger.child({ … })`. Errors are logged under the key `err`. */
export function createLogger({ role, level, destination }: LoggerOptions): Logger {
  const options = {
    // Of children, too, which keep the level that they were made with: a level that may change is looked at per line.
    level: typeof level === 'string' ? level : 'trace',
    ...(typeof level === 'string' ? {} : { hooks: { logMethod: linesFrom(level) } }),
    base: { role, pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: serializeError, error: serializeError, reason: serializeIfError },
    redact: { paths: redactedPaths(), censor: '[redacted]' },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}

const severityOf: Record<LogLevel, number> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: Infinity,
}

type LogMethod = NonNullable<NonNullable<LoggerSettings['hooks']>['logMethod']>

function linesFrom(level: () => LogLevel): LogMethod {
  return function (this: Logger, line, write, severity) {
    if (severity >= severityOf[level()]) write.apply(this, line)
  }
}

/** Keys whose values never reach a log line, whatever they hold. */
const redactedKeys = [
  'address',
  'addresses',
  'apiKey',
  'authToken',
  'authorization',
  'body',
  'cookie',
  'data',
  'email',
  'headers',
  'html',
  'password',
  'phoneNumber',
  'privateKey',
  'recipient',
  'secret',
  'signingKey',
  'subject',
  'text',
  'title',
  'to',
  'token',
  'value',
]

function redactedPaths(): string[] {
  return redactedKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`])
}

/** Longer chains of causes are cut: a cause may name itself, and nobody reads further. */
const causesLimit = 5
const framesLimit = 20

export interface SerializedError {
  name: string
  code?: string | number
  dependency?: string
  /** Stack frames without the message that V8 writes above them. */
  stack?: string[]
  cause?: SerializedError
}

/** Reduces whatever was thrown to its names, codes and places. See the head of this file for what is left out. */
export function serializeError(thrown: unknown): SerializedError {
  return serializeChain(thrown, causesLimit)
}

function serializeChain(thrown: unknown, causesLeft: number): SerializedError {
  if (!(thrown instanceof Error)) return { name: `thrown ${typeof thrown}` }
  const serialized: SerializedError = { name: thrown.name }
  const { code, dependency } = thrown as { code?: unknown; dependency?: unknown }
  if (isCode(code)) serialized.code = code
  if (isCode(dependency) && typeof dependency === 'string') serialized.dependency = dependency
  const stack = stackFrames(thrown)
  if (stack.length > 0) serialized.stack = stack
  if (thrown.cause !== undefined && causesLeft > 0) serialized.cause = serializeChain(thrown.cause, causesLeft - 1)
  return serialized
}

/** `reason` is mostly a closed word of ours; only an abort's reason is an error. */
function serializeIfError(reason: unknown): unknown {
  return reason instanceof Error ? serializeError(reason) : reason
}

/** A code is a short machine-readable word or number; a sentence under that name is a message and stays out. */
function isCode(code: unknown): code is string | number {
  return typeof code === 'number' || (typeof code === 'string' && /^[\w./-]{1,64}$/.test(code))
}

/** V8 opens a stack with the message, which may have lines of its own that look like frames: cut it off by its text. */
function stackFrames({ stack, message }: Error): string[] {
  if (stack === undefined) return []
  const messageAt = message === '' ? -1 : stack.indexOf(message)
  const framesFrom = messageAt === -1 ? 0 : messageAt + message.length
  return stack
    .slice(framesFrom)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^at .+(:\d+:\d+\)?|\(native\)|\(<anonymous>\))$/.test(line))
    .slice(0, framesLimit)
}
