/**
 * A refusal from where only an exception gets out: a schema's validator, a plugin. Handlers answer with `refuse` instead.
 */
import type { Refusal } from '../domain/refusal.ts'
import { statusOf } from './problem.ts'

export class Refused extends Error {
  override readonly name = 'Refused'
  readonly refusal: Refusal
  /** fastify reads it. */
  readonly statusCode: number

  constructor(refusal: Refusal) {
    super(refusal.kind)
    this.refusal = refusal
    this.statusCode = statusOf(refusal.kind)
  }
}
