/**
 * Idempotency keys: a request that comes again under its key is answered as the first time, byte for byte.
 *
 * The identities that a request was given (ids and times of its notifications) are kept before anything is published, the
 * answer after. A repeat that finds an answer gets it, and nothing is published. One that finds identities without an
 * answer, since a process died in between or Kafka was away, publishes the same bytes again, which Fanfare absorbs. A
 * lease says that the first one may still be at work; it is released when that one fails.
 */
import type { Refusal } from '../../domain/refusal.ts'

/** What one notification of a request was given. */
export interface GivenIdentity {
  notificationId: string
  /** Unix ms. */
  createdAt: number
}

export interface StoredAnswer {
  status: number
  body: string
}

export interface KeyName {
  appKey: string
  idempotencyKey: string
}

/** What is kept under a key. */
export interface KeptRequest {
  bodyHash: Uint8Array
  identities: GivenIdentity[]
  answer: StoredAnswer | null
}

export interface IdempotencyKeys {
  /** Undefined where there is none, or one that has ended. */
  find(name: KeyName): Promise<KeptRequest | undefined>
  /**
   * Takes the key for a while: a new one, or one that was left without an answer.
   * @returns the identities that hold: those given here, or the first one's. Undefined where another request with the
   * same body is at work, or somebody has taken the key for another body meanwhile.
   */
  claim(name: KeyName, request: Omit<KeptRequest, 'answer'>): Promise<GivenIdentity[] | undefined>
  /** Keeps the answer; of the one that has the lease. */
  answer(name: KeyName, answer: StoredAnswer): Promise<void>
  /** Lets the next one try at once. */
  release(name: KeyName): Promise<void>
}

/** One answer for a request, made anew or found. */
export type Outcome = { kind: 'answered'; answer: StoredAnswer } | { kind: 'refused'; refusal: Refusal }

export interface Work<Prepared> {
  /** With the identities that hold. Must not publish. */
  prepare(identities: readonly GivenIdentity[] | undefined): Promise<PreparedRequest<Prepared>>
  /** Publishes all of it. @returns once it is acknowledged. */
  publish(prepared: Prepared): Promise<StoredAnswer>
}

export type PreparedRequest<Prepared> =
  | { kind: 'ready'; prepared: Prepared; identities: GivenIdentity[] }
  /** Nothing of it is fit to be published: the key stays free, for a better body. */
  | { kind: 'refused'; refusal: Refusal }

/** Once: no key, no repeat to expect. */
export async function runOnce<Prepared>({ prepare, publish }: Work<Prepared>): Promise<Outcome> {
  const prepared = await prepare(undefined)
  if (prepared.kind === 'refused') return prepared
  return { kind: 'answered', answer: await publish(prepared.prepared) }
}

/** @throws DependencyUnavailable, after which the same request may be made again at once. */
export async function runUnderKey<Prepared>(
  { name, bodyHash }: { name: KeyName; bodyHash: Uint8Array },
  { prepare, publish }: Work<Prepared>,
  keys: IdempotencyKeys,
): Promise<Outcome> {
  const kept = await keys.find(name)
  if (kept !== undefined && Buffer.compare(kept.bodyHash, bodyHash) !== 0) return reused
  if (kept?.answer !== null && kept !== undefined) return { kind: 'answered', answer: kept.answer }
  const first = await prepare(kept?.identities)
  if (first.kind === 'refused') return first
  const identities = await keys.claim(name, { bodyHash, identities: first.identities })
  if (identities === undefined) return atWork
  // Those of the first request, where it was left without an answer between the look and the claim.
  const ready = isSame(identities, first.identities) ? first : await prepare(identities)
  if (ready.kind === 'refused') return ready
  return { kind: 'answered', answer: await publishAndKeep(name, () => publish(ready.prepared), keys) }
}

async function publishAndKeep(
  name: KeyName,
  publish: () => Promise<StoredAnswer>,
  keys: IdempotencyKeys,
): Promise<StoredAnswer> {
  let answer: StoredAnswer
  try {
    answer = await publish()
  } catch (error) {
    // Without it the lease ends by itself.
    await keys.release(name).catch(() => {})
    throw error
  }
  // It is published: where the answer cannot be kept a repeat publishes the same bytes again, which changes nothing.
  await keys.answer(name, answer).catch(() => {})
  return answer
}

const reused: Outcome = { kind: 'refused', refusal: { kind: 'key_reused' } }
const atWork: Outcome = {
  kind: 'refused',
  refusal: { kind: 'conflict', detail: 'a request with this idempotency key is at work; ask again' },
}

function isSame(one: readonly GivenIdentity[], other: readonly GivenIdentity[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ notificationId, createdAt }, index) => {
      const its = other[index]
      return its?.notificationId === notificationId && its.createdAt === createdAt
    })
  )
}
