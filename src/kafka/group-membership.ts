/**
 * Where a member of a group stands, as far as kafkajs's events tell.
 *
 * - GROUP_JOIN is the only revoke signal, and it comes before fetching goes on: the assignment changes there, in one
 *   synchronous step.
 * - STOP is the moment at which kafkajs has no group any more, at the end and before each restart: from there to the
 *   next GROUP_JOIN its consumer throws at every call. CRASH comes later, after it has closed its connections.
 * - a crash that kafkajs will not restart from leaves a living process that consumes nothing: it is fatal here.
 */
import type { Consumer } from 'kafkajs'
import type { ReportConsumerEvent } from './consumer-event.ts'
import type { AssignmentChange, TopicPartition } from './partition-position.ts'

export interface MembershipOptions {
  report: ReportConsumerEvent
  /** Monotonic milliseconds. */
  clock(): number
  fatal(error: Error): void
  /** Whether the member leaves on purpose: its end is no crash then. */
  leaving(): boolean
  assigned(change: AssignmentChange): void
  rebalancing(): void
  /** There is no group until the next `assigned`. */
  ended(): void
}

export interface Membership {
  /** Resolves with the first assignment; rejects if the consumer dies before it. */
  readonly firstJoin: Promise<void>
  /** Whether there is a group to pause, seek and commit in. */
  running(): boolean
  /** Whether the consumer crashed for good. */
  dead(): boolean
  epoch(): number
  /** When the last join or acknowledged heartbeat was, by the clock. */
  lastActivity(): number
}

export function followMembership(consumer: Pick<Consumer, 'on' | 'events'>, options: MembershipOptions): Membership {
  const { report, clock } = options
  const { HEARTBEAT, REBALANCING, GROUP_JOIN, STOP, CRASH } = consumer.events
  const firstJoin = Promise.withResolvers<void>()
  // Only `start` waits for it, and it may have failed before.
  firstJoin.promise.catch(() => {})
  let epoch = 0
  let lastActivity = clock()
  let lastMemberId: string | undefined
  let running = false
  let dead = false

  const active = () => {
    lastActivity = clock()
  }
  // Not of a fetch: a member that its group forgot may fetch on, and get nothing that it may keep.
  consumer.on(HEARTBEAT, active)
  consumer.on(REBALANCING, () => {
    report({ kind: 'rebalancing' })
    options.rebalancing()
  })
  consumer.on(GROUP_JOIN, ({ payload: { memberId, memberAssignment } }) => {
    active()
    running = true
    epoch += 1
    options.assigned({ owned: flatten(memberAssignment), memberId, sameMember: memberId === lastMemberId })
    lastMemberId = memberId
    firstJoin.resolve()
  })
  consumer.on(STOP, () => {
    running = false
    options.ended()
  })
  consumer.on(CRASH, ({ payload: { restart, error } }) => {
    if (options.leaving()) return
    report({ kind: 'crashed', restarts: restart, error })
    if (restart) return
    dead = true
    // Before the first assignment whoever starts the consumer hears of it.
    if (epoch === 0) firstJoin.reject(error)
    else options.fatal(error)
  })

  return {
    firstJoin: firstJoin.promise,
    running: () => running,
    dead: () => dead,
    epoch: () => epoch,
    lastActivity: () => lastActivity,
  }
}

function flatten(assignment: Record<string, number[]>): TopicPartition[] {
  return Object.entries(assignment).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}
