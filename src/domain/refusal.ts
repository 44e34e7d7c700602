/**
 * Why a door refuses a request: a closed union, which http/problem.ts turns into an RFC 9457 document.
 */
export type Refusal =
  | { kind: 'invalid'; faults: FieldFault[] }
  | { kind: 'unauthenticated' }
  | { kind: 'forbidden'; detail: string }
  | { kind: 'not_found'; detail: string }
  | { kind: 'conflict'; detail: string }
  /** The same idempotency key with another body. */
  | { kind: 'key_reused' }
  | { kind: 'gone'; detail: string }
  | { kind: 'too_large'; limitBytes: number }
  | { kind: 'unsupported_media_type'; expected: string }
  | { kind: 'rate_limited'; retryAfterSeconds: number }
  | { kind: 'unavailable'; retryAfterSeconds: number }

/** One field that is wrong. `received` is left out where the field may hold an address, a token or a text. */
export interface FieldFault {
  /** A JSON pointer into the body (`/notifications/3/userId`), or `query/from`, `header/idempotency-key`. */
  field: string
  expected: string
  received?: string
}

export type RefusalKind = Refusal['kind']
