/**
 * How this process reaches the brokers. Every consumer makes its own client from it, since kafkajs caches committed
 * offsets per client and group.
 */
import type { Kafka as KafkaClient, LogEntry } from 'kafkajs'
import { Kafka, logLevel } from './kafkajs.ts'

export interface KafkaConnection {
  brokers: readonly string[]
  /** Shows up in the broker's logs and quotas: `fanfare-router`. */
  clientId: string
  /** Takes what kafkajs would print: its level and its one line, never a payload. */
  log(level: 'error' | 'warn', line: string, detail: Record<string, unknown>): void
}

const connectionTimeoutMs = 3_000
const requestTimeoutMs = 30_000
/** About three seconds in all: whoever called waits longer than that with better knowledge of why. */
const retry = { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000 }

export interface ClientLimits {
  /** For one request, from writing it to its answer. */
  requestTimeoutMs: number
  /** Tries after the first. */
  retries: number
}

export function createKafka(connection: KafkaConnection, limits?: ClientLimits): KafkaClient {
  return new Kafka({
    clientId: connection.clientId,
    brokers: [...connection.brokers],
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: limits?.requestTimeoutMs ?? requestTimeoutMs,
    retry: { ...retry, retries: limits?.retries ?? retry.retries },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => forwardLog(connection, entry),
  })
}

/** Of kafkajs's extra fields only these pass: others may hold whole requests. */
const loggedFields = ['groupId', 'memberId', 'broker', 'topic', 'partition', 'error', 'retryCount', 'retryTime']

function forwardLog(connection: KafkaConnection, { level, namespace, log }: LogEntry): void {
  const fields = Object.entries(log).filter(([name]) => loggedFields.includes(name))
  // kafkajs's `error` may be a message of its own, and the log takes what is called so for an error that was thrown.
  const detail = Object.fromEntries(
    fields.map(([name, value]) => [name === 'error' && typeof value === 'string' ? 'cause' : name, value]),
  )
  connection.log(level <= logLevel.ERROR ? 'error' : 'warn', `kafkajs ${namespace}: ${log.message}`, detail)
}
