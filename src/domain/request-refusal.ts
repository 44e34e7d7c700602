/**
 * Why a request is not valid, told to the service that is still there to hear it: the field, and what it should be.
 */
import type { FieldFault } from './refusal.ts'
import { futureToleranceMs, oldestRequestMs, requestBytes, sendAtHorizonMs } from './request-validation.ts'
import type { Refusal } from './request-validation.ts'

const dayMs = 24 * 3_600_000

/** @returns the field as the request names it, without a pointer before it. */
export function faultOfRequest({ reason, detail }: Refusal): FieldFault {
  switch (reason) {
    case 'invalid_request':
      return { field: detail ?? '', expected: 'a value of the stated form' }
    case 'invalid_user_id':
      return { field: 'userId', expected: 'a positive safe integer' }
    case 'unknown_category':
      return { field: 'category', expected: 'a category that exists' }
    case 'unknown_template':
      return { field: 'template', expected: 'the id of a template' }
    case 'expires_before_created':
      return { field: 'expiresAt', expected: 'not before createdAt' }
    case 'expires_before_send_at':
      return { field: 'expiresAt', expected: 'after sendAt' }
    case 'too_old':
      return { field: 'createdAt', expected: `at most ${oldestRequestMs / dayMs} days ago` }
    case 'in_future':
      return { field: 'createdAt', expected: `at most ${futureToleranceMs / 60_000} minutes ahead` }
    case 'beyond_horizon':
      return { field: 'sendAt', expected: `at most ${sendAtHorizonMs / dayMs} days after createdAt` }
    case 'too_large':
      return { field: '', expected: `at most ${requestBytes} bytes as a record` }
    case 'unknown_user':
      return { field: 'userId', expected: 'a user that exists' }
    case 'missing_variable':
      return { field: 'data', expected: 'every variable of the template' }
  }
}
