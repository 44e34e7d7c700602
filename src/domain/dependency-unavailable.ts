/**
 * Lost infrastructure, the one thing (besides bugs) that travels as an exception.
 *
 * Adapters throw it for the named codes of an unreachable, overloaded or restarting dependency and for their own
 * time-outs; everything that meets it waits and tries again, so lag grows and nothing is dead-lettered. Any other
 * exception is taken for the fault of the record that caused it.
 */
export type Dependency = 'kafka' | 'registry' | 'postgres' | 'redis'

export class DependencyUnavailable extends Error {
  override readonly name = 'DependencyUnavailable'
  readonly dependency: Dependency
  /** The adapter's machine-readable code (SQLSTATE, errno, protocol error type), fit for a log line or a label. */
  readonly code: string

  constructor(dependency: Dependency, code: string, cause?: unknown) {
    super(`${dependency} is unavailable (${code})`, { cause })
    this.dependency = dependency
    this.code = code
  }
}
