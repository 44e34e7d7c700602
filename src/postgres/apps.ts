/**
 * Apps and their secrets in Postgres. Of a secret only its SHA-256 is kept; at most two of an app are live, so that one
 * can be rotated without a gap.
 */
import type { AppGrants, AppScope } from '../domain/app.ts'
import type { RequestChannel } from '../domain/channel.ts'
import type { HotPathPool, Queryable } from './hot-path-pool.ts'
import { createOperatorActions, type NewOperatorAction } from './operator-actions.ts'
import { loadStatement } from './statement.ts'

const loadStatementOfApps = loadStatement('load-apps')
const listStatement = loadStatement('list-apps')
const insertStatement = loadStatement('insert-app')
const insertSecretStatement = loadStatement('insert-app-secret')
const lockStatement = loadStatement('lock-app')
const endSecretsStatement = loadStatement('end-app-secrets')
const forgetSecretsStatement = loadStatement('forget-ended-app-secrets')
const setDisabledStatement = loadStatement('set-app-disabled')

/** As many as may be live side by side. */
const secretsMax = 2

export interface StoredApp extends AppGrants {
  appKey: string
  rateLimitPerSecond: number
  /** SHA-256 of each secret that has not ended, the newest first. */
  secrets: { hash: Uint8Array; expiresAtMs: number | null }[]
}

export interface ListedApp extends AppGrants {
  appKey: string
  rateLimitPerSecond: number
  createdAtMs: number
  disabledAtMs: number | null
  /** How many have not ended. */
  secrets: number
  nextSecretEndMs: number | null
}

export interface NewApp extends AppGrants {
  appKey: string
  rateLimitPerSecond: number
  secretHash: Uint8Array
}

export type Rotation = { kind: 'rotated' } | { kind: 'unknown_app' } | { kind: 'two_live' }

/** Every app that is not disabled, in one round trip. */
export async function loadApps(pool: Queryable): Promise<StoredApp[]> {
  const rows = await pool.query<StoredAppRow>(loadStatementOfApps, [])
  return rows.map((row) => ({
    ...grantsOf(row),
    appKey: row.app_key,
    rateLimitPerSecond: row.rate_limit_per_second,
    secrets: (row.secret_hashes ?? []).map((hash, index) => {
      const expiry = row.secret_expiries?.[index] ?? null
      return { hash: Buffer.from(hash, 'hex'), expiresAtMs: expiry === null ? null : Number(expiry) }
    }),
  }))
}

export async function listApps(pool: Queryable): Promise<ListedApp[]> {
  const rows = await pool.query<ListedAppRow>(listStatement, [])
  return rows.map((row) => ({
    ...grantsOf(row),
    appKey: row.app_key,
    rateLimitPerSecond: row.rate_limit_per_second,
    createdAtMs: row.created_at,
    disabledAtMs: row.disabled_at,
    secrets: row.secrets,
    nextSecretEndMs: row.next_secret_end,
  }))
}

/** @returns false where the key is taken. */
export async function createApp(pool: HotPathPool, app: NewApp, action: NewOperatorAction): Promise<boolean> {
  const { appKey, scopes, categories, channels, rateLimitPerSecond, secretHash } = app
  return pool.transaction(async (connection) => {
    const values = [appKey, scopes, categories, channels, rateLimitPerSecond]
    const inserted = await connection.query(insertStatement, values)
    if (inserted.length === 0) return false
    await connection.query(insertSecretStatement, [appKey, secretHash])
    await recordAction(connection, action)
    return true
  })
}

/**
 * Adds a secret; the others end after the grace, at once where it is 0. While two are live a third is refused, unless
 * it replaces both at once.
 */
export async function rotateAppSecret(
  pool: HotPathPool,
  { appKey, secretHash, graceMs }: { appKey: string; secretHash: Uint8Array; graceMs: number },
  action: NewOperatorAction,
): Promise<Rotation> {
  return pool.transaction(async (connection) => {
    const [app] = await connection.query<{ live_secrets: number }>(lockStatement, [appKey])
    if (app === undefined) return { kind: 'unknown_app' }
    if (graceMs > 0 && app.live_secrets >= secretsMax) return { kind: 'two_live' }
    await connection.query(endSecretsStatement, [appKey, graceMs])
    await connection.query(forgetSecretsStatement, [appKey])
    await connection.query(insertSecretStatement, [appKey, secretHash])
    await recordAction(connection, action)
    return { kind: 'rotated' }
  })
}

/** @returns false where there is no such app. */
export async function setAppDisabled(
  pool: HotPathPool,
  { appKey, disabled }: { appKey: string; disabled: boolean },
  action: NewOperatorAction,
): Promise<boolean> {
  return pool.transaction(async (connection) => {
    const found = (await connection.query(setDisabledStatement, [appKey, disabled])).length > 0
    if (found) await recordAction(connection, action)
    return found
  })
}

/** In the transaction of what was done: there is no record without the change, and no change without it. */
async function recordAction(connection: Queryable, action: NewOperatorAction): Promise<void> {
  const actions = createOperatorActions(connection)
  await actions.end(await actions.begin(action), {})
}

interface GrantsRow {
  app_key: string
  scopes: AppScope[]
  categories: string[] | null
  channels: RequestChannel[] | null
  rate_limit_per_second: number
}

interface StoredAppRow extends GrantsRow {
  secret_hashes: string[] | null
  secret_expiries: (string | null)[] | null
}

interface ListedAppRow extends GrantsRow {
  created_at: number
  disabled_at: number | null
  secrets: number
  next_secret_end: number | null
}

function grantsOf({ scopes, categories, channels }: GrantsRow): AppGrants {
  return { scopes, categories, channels }
}
