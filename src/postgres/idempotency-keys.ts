/**
 * Idempotency keys in Postgres: who came first, what it was given, and what it was answered.
 */
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'

const findStatement = loadStatement('find-idempotency-key')
const claimStatement = loadStatement('claim-idempotency-key')
const answerStatement = loadStatement('answer-idempotency-key')
const releaseStatement = loadStatement('release-idempotency-key')

/** A repeat after this is a new request. */
export const keyLifetimeMs = 24 * 3_600_000
/** Longer than a request may wait for Kafka: only one that died leaves its key leased. */
const leaseMs = 30_000

interface KeyName {
  appKey: string
  idempotencyKey: string
}

interface GivenIdentity {
  notificationId: string
  createdAt: number
}

interface KeptRequest {
  bodyHash: Uint8Array
  identities: GivenIdentity[]
  answer: { status: number; body: string } | null
}

export function createIdempotencyKeys(pool: Queryable) {
  return {
    /** Undefined where there is none, or one that has ended. */
    find: async ({ appKey, idempotencyKey }: KeyName): Promise<KeptRequest | undefined> => {
      const [row] = await pool.query<KeptRow>(findStatement, [appKey, idempotencyKey, keyLifetimeMs])
      return row === undefined ? undefined : toKeptRequest(row)
    },
    /** @returns the identities that hold; undefined where somebody else has the key. */
    claim: async (
      { appKey, idempotencyKey }: KeyName,
      { bodyHash, identities }: Omit<KeptRequest, 'answer'>,
    ): Promise<GivenIdentity[] | undefined> => {
      const values = [appKey, idempotencyKey, bodyHash, JSON.stringify(identities), leaseMs, keyLifetimeMs]
      const [row] = await pool.query<Pick<KeptRow, 'identities'>>(claimStatement, values)
      return row?.identities
    },
    answer: async ({ appKey, idempotencyKey }: KeyName, answer: { status: number; body: string }): Promise<void> => {
      await pool.query(answerStatement, [appKey, idempotencyKey, answer.status, answer.body])
    },
    /** Lets the next request with the key try at once. */
    release: async ({ appKey, idempotencyKey }: KeyName): Promise<void> => {
      await pool.query(releaseStatement, [appKey, idempotencyKey])
    },
  }
}

interface KeptRow {
  body_hash: Uint8Array
  identities: GivenIdentity[]
  answer_status: number | null
  answer: string | null
}

function toKeptRequest({ body_hash: bodyHash, identities, answer_status: status, answer: body }: KeptRow): KeptRequest {
  return { bodyHash, identities, answer: status === null || body === null ? null : { status, body } }
}
