/**
 * Receipts of webhooks in Postgres: by the digest of what was signed, for as long as a copy of it would be believed.
 */
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { timestampOrNull } from './values.ts'

const findStatement = loadStatement('find-webhook-receipt')
const keepStatement = loadStatement('keep-webhook-receipt')

export interface WebhookReceipts {
  /** @param digest SHA-256. */
  isKept(digest: Uint8Array): Promise<boolean>
  /** @param untilMs Unix ms; null: for ever. */
  keep(digest: Uint8Array, untilMs: number | null): Promise<void>
}

export function createWebhookReceipts(pool: Queryable): WebhookReceipts {
  return {
    isKept: async (digest) => (await pool.query<{ taken: true }>(findStatement, [digest])).length > 0,
    keep: async (digest, untilMs) => {
      await pool.query(keepStatement, [digest, timestampOrNull(untilMs)])
    },
  }
}
