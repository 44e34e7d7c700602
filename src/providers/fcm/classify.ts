/**
 * What FCM's answers mean, after Firebase's reference "ErrorCode" and "Manage FCM at scale" (read 2026).
 *
 * An error names its `FcmError` code in the details; what Google's front end refuses itself has only an RPC status,
 * and that difference decides: NOT_FOUND with UNREGISTERED is a dead token, bare it is a project that does not exist.
 */
import type { Outcome } from '../../domain/provider.ts'
import { notBeforeOfRetryAfter } from '../retry-after.ts'
import type { FcmAnswer } from './client.ts'

export interface DocumentedRefusal {
  status: number
  /** Null for an error without an `FcmError`. */
  errorCode: string | null
  rpcStatus: string
  outcome: Outcome
}

const refused: Outcome = { kind: 'rejected', reason: 'refused' }
const badKey: Outcome = { kind: 'misconfigured', reason: 'authentication_failed' }
const forbidden: Outcome = { kind: 'misconfigured', reason: 'not_permitted' }
const badAccount: Outcome = { kind: 'misconfigured', reason: 'account_misconfigured' }
const dead: Outcome = { kind: 'rejected', reason: 'unregistered', invalidAddress: true }
const otherSender: Outcome = { kind: 'rejected', reason: 'sender_mismatch' }
const unavailable: Outcome = { kind: 'retry', reason: 'provider_unavailable' }
const throttled: Outcome = { kind: 'retry', reason: 'throttled' }
const gatewayTimedOut: Outcome = { kind: 'unknown', reason: 'timed_out' }

/** Every documented refusal, and the outcome that it comes to. */
export const documentedRefusals: readonly DocumentedRefusal[] = [
  // Says "bad token" as well as "bad message": no reason to forget a device.
  { status: 400, errorCode: 'INVALID_ARGUMENT', rpcStatus: 'INVALID_ARGUMENT', outcome: refused },
  { status: 404, errorCode: 'UNREGISTERED', rpcStatus: 'NOT_FOUND', outcome: dead },
  { status: 403, errorCode: 'SENDER_ID_MISMATCH', rpcStatus: 'PERMISSION_DENIED', outcome: otherSender },
  { status: 429, errorCode: 'QUOTA_EXCEEDED', rpcStatus: 'RESOURCE_EXHAUSTED', outcome: throttled },
  { status: 503, errorCode: 'UNAVAILABLE', rpcStatus: 'UNAVAILABLE', outcome: unavailable },
  { status: 500, errorCode: 'INTERNAL', rpcStatus: 'INTERNAL', outcome: unavailable },
  { status: 500, errorCode: 'UNSPECIFIED_ERROR', rpcStatus: 'UNKNOWN', outcome: unavailable },
  { status: 401, errorCode: 'THIRD_PARTY_AUTH_ERROR', rpcStatus: 'UNAUTHENTICATED', outcome: badKey },
  // Google's front end, before FCM (cloud.google.com/apis/design/errors).
  { status: 400, errorCode: null, rpcStatus: 'INVALID_ARGUMENT', outcome: refused },
  { status: 401, errorCode: null, rpcStatus: 'UNAUTHENTICATED', outcome: badKey },
  { status: 403, errorCode: null, rpcStatus: 'PERMISSION_DENIED', outcome: forbidden },
  { status: 404, errorCode: null, rpcStatus: 'NOT_FOUND', outcome: badAccount },
  { status: 429, errorCode: null, rpcStatus: 'RESOURCE_EXHAUSTED', outcome: throttled },
  { status: 500, errorCode: null, rpcStatus: 'INTERNAL', outcome: unavailable },
  { status: 503, errorCode: null, rpcStatus: 'UNAVAILABLE', outcome: unavailable },
  // A gateway stopped waiting for FCM, which may have the message.
  { status: 504, errorCode: null, rpcStatus: 'DEADLINE_EXCEEDED', outcome: gatewayTimedOut },
]

const outcomeByErrorCode = new Map(documentedRefusals.map(({ errorCode, outcome }) => [errorCode, outcome]))
outcomeByErrorCode.delete(null)
const outcomeByRpcStatus = new Map(
  documentedRefusals
    .filter(({ errorCode }) => errorCode === null)
    .map(({ rpcStatus, outcome }) => [rpcStatus, outcome]),
)

/** "Manage FCM at scale": without a Retry-After, wait at least a minute after a 429. */
const shortestQuotaWaitMs = 60_000

export function classifyRefusal(answer: FcmAnswer, nowMs: number): Outcome {
  const error = errorOf(answer.body)
  const outcome =
    error === undefined
      ? outcomeOfUnreadable(answer.status)
      : (outcomeByErrorCode.get(error.errorCode) ??
        outcomeByRpcStatus.get(error.rpcStatus ?? '') ??
        outcomeByStatus(answer.status))
  if (outcome.kind !== 'retry') return { ...outcome }
  const fallbackMs = outcome.reason === 'throttled' ? nowMs + shortestQuotaWaitMs : undefined
  const notBeforeMs = notBeforeOfRetryAfter(answer.retryAfter, nowMs) ?? fallbackMs
  return notBeforeMs === undefined ? { ...outcome } : { ...outcome, notBeforeMs }
}

/**
 * Google gave no access token: an answer about the account is its fault, everything else is the way there.
 * @param status of the token endpoint's answer; undefined without one.
 */
export function classifyMissingToken(status: number | undefined): Outcome {
  if (status === undefined) return { kind: 'retry', reason: 'connection_failed' }
  if (status === 429) return { ...throttled }
  return status >= 400 && status < 500 ? { ...badKey } : { ...unavailable }
}

function outcomeByStatus(status: number): Outcome {
  const bare = documentedRefusals.find((refusal) => refusal.errorCode === null && refusal.status === status)
  if (bare !== undefined) return bare.outcome
  return status >= 500 ? unavailable : refused
}

/** A page of something in between that is not FCM. */
function outcomeOfUnreadable(status: number): Outcome {
  // Neither a proxy's 4xx nor its 5xx has delivered anything, except that after a 504 the message may be through.
  const definite = status >= 400 && status !== 504
  return { kind: definite ? 'retry' : 'unknown', reason: 'unreadable_answer' }
}

interface FcmError {
  errorCode: string | null
  rpcStatus: string | undefined
}

/** @returns undefined unless the body is an error in Google's form. */
function errorOf(body: unknown): FcmError | undefined {
  const error = property(body, 'error')
  if (typeof error !== 'object' || error === null) return undefined
  const details = property(error, 'details')
  const fcmError = Array.isArray(details)
    ? details.find((detail) => property(detail, '@type') === 'type.googleapis.com/google.firebase.fcm.v1.FcmError')
    : undefined
  return {
    errorCode: text(property(fcmError, 'errorCode')) ?? null,
    rpcStatus: text(property(error, 'status')),
  }
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
