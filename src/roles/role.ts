/**
 * What a role is to the program that starts it: a file of this folder that exports `run`.
 */
import type { Environment } from '../configuration/environment.ts'

export interface RoleContext {
  /** The process's environment with the command line's flags on top; for `readConfiguration`. */
  environment: Environment
  /** Aborts at the first SIGTERM or SIGINT. A second one ends the process at once. */
  shutdown: AbortSignal
}

/**
 * Reads the configuration, wires the role and works until `shutdown` aborts; then drains within its budget and returns.
 * Once it has returned the process exits, whatever is still open.
 * @throws ConfigurationError before anything was opened; anything else is logged and ends the process with 1, for
 * the orchestrator to start it again.
 */
export type RunRole = (context: RoleContext) => Promise<void>
