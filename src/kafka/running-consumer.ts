/** A consumer that runs, in either mode. */
export interface RunningConsumer {
  /** Stops taking records, drains within the budget, commits, leaves the group. Bounded, idempotent, never throws. */
  stop(): Promise<void>
  /** Milliseconds since the last fetch or heartbeat: what liveness goes by. */
  idleMs(): number
}
