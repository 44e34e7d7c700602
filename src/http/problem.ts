/**
 * Refusals on the wire: RFC 9457 problem documents, the only form in which either door says no.
 *
 * A document names the field, what was expected and, where that can hold nothing personal, what was received. It never
 * quotes an error's message: those quote what they met.
 */
import type { FastifyReply } from 'fastify'
import type { Refusal, RefusalKind } from '../domain/refusal.ts'

export interface Problem {
  type: string
  title: string
  status: number
  detail?: string
  faults?: { field: string; expected: string; received?: string }[]
}

const answers: Record<RefusalKind, { status: number; title: string }> = {
  invalid: { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'The request carries no valid credentials' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  not_found: { status: 404, title: 'There is no such thing' },
  conflict: { status: 409, title: 'The present state does not allow it' },
  gone: { status: 410, title: 'It is not valid any more' },
  too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not one of those taken here' },
  key_reused: { status: 422, title: 'The idempotency key was used for another body' },
  rate_limited: { status: 429, title: 'Too many requests' },
  unavailable: { status: 503, title: 'Something that this needs is away' },
}

export const problemContentType = 'application/problem+json'

/** Stable names, not addresses: nothing has to be served for them (RFC 9457, section 3.1.1). */
const typePrefix = 'urn:fanfare:problem:'

export function statusOf(kind: RefusalKind): number {
  return answers[kind].status
}

export function titleOf(kind: RefusalKind): string {
  return answers[kind].title
}

export function problemOf(refusal: Refusal): Problem {
  const { status, title } = answers[refusal.kind]
  return { type: `${typePrefix}${refusal.kind}`, title, status, ...detailOf(refusal) }
}

/** Answers with the refusal's document. */
export function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const problem = problemOf(refusal)
  if (refusal.kind === 'rate_limited' || refusal.kind === 'unavailable') {
    void reply.header('retry-after', String(refusal.retryAfterSeconds))
  }
  if (refusal.kind === 'unauthenticated')
    void reply.header('www-authenticate', 'Basic realm="fanfare", charset="UTF-8"')
  return reply.code(problem.status).type(problemContentType).send(problem)
}

function detailOf(refusal: Refusal): Pick<Problem, 'detail' | 'faults'> {
  switch (refusal.kind) {
    case 'invalid':
      return { faults: refusal.faults }
    case 'forbidden':
    case 'not_found':
    case 'conflict':
    case 'gone':
      return { detail: refusal.detail }
    case 'too_large':
      return { detail: `at most ${refusal.limitBytes} bytes are taken` }
    case 'unsupported_media_type':
      return { detail: `expected ${refusal.expected}` }
    case 'unauthenticated':
    case 'key_reused':
    case 'rate_limited':
    case 'unavailable':
      return {}
  }
}
