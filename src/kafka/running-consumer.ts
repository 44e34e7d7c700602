/** A consumer that runs, in either mode. */
export interface RunningConsumer {
  /** Stops taking records, drains within the budget, commits, leaves the group. Bounded, idempotent, never throws. */
  stop(): Promise<void>
  /** Milliseconds since the last join or acknowledged heartbeat: what liveness goes by. */
  idleMs(): number
}
