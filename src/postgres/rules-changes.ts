/**
 * Hears of changed categories and templates at once, from whoever changed them: a connection of its own that listens.
 *
 * While it is away nobody tells; so every connection that is made again counts as a change.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'

export interface RulesChangesOptions {
  /** `postgres://user:password@host:port/database` */
  url: string
  applicationName: string
  changed(): void
}

const channel = 'fanfare_rules'
const connectTimeoutMs = 5_000
const reconnectEveryMs = 1_000
const keepAliveInitialDelayMs = 10_000

/** Listens in the background, and again for ever. @returns what ends it. */
export function followRulesChanges({ url, applicationName, changed }: RulesChangesOptions): { close(): Promise<void> } {
  const closing = new AbortController()
  let current: Client | undefined

  async function listenOnce(): Promise<void> {
    const client = new Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveInitialDelayMs,
    })
    const ended = Promise.withResolvers<void>()
    client.on('error', () => ended.resolve())
    client.on('end', () => ended.resolve())
    client.on('notification', changed)
    current = client
    try {
      await client.connect()
      await client.query(`listen ${channel}`)
      changed()
      if (!closing.signal.aborted) await ended.promise
    } finally {
      current = undefined
      await client.end().catch(() => {})
    }
  }

  async function listen(): Promise<void> {
    while (!closing.signal.aborted) {
      // Why it failed the statements of the hot path tell.
      await listenOnce().catch(() => {})
      await sleep(reconnectEveryMs, undefined, { signal: closing.signal }).catch(() => {})
    }
  }

  const listening = listen()
  return {
    close: async () => {
      closing.abort()
      await current?.end().catch(() => {})
      await listening
    },
  }
}
