/**
 * The scheduler of some lanes: what waits in Postgres goes back to its requested topic when its time has come, by
 * Postgres's clock, and is decided again as a pass of its own.
 *
 * Claimed, published and forgotten in one transaction, so a crash anywhere publishes again or not yet, and never loses;
 * the router absorbs a pass that comes twice.
 */
import type { Lane } from '../../domain/channel.ts'
import type { OutgoingRecord } from '../../domain/record.ts'
import { headerNames } from '../../domain/record-headers.ts'
import { createPace, type Pace } from './pace.ts'
import type { DueNotification, SchedulerPorts } from './ports.ts'

/** Rows that one transaction locks while they are published. */
const batchMax = 500
/** Between two looks when nothing more is due: late by at most this and the publication, below a second. */
const lookEveryMs = 250
/** After a failure: a dependency is away. */
const retryEveryMs = 1_000

export interface SchedulerSettings {
  lanes: readonly Lane[]
  /** Resumptions a second, of each lane and process. */
  pacePerSecond: number
}

export interface Scheduler {
  /** Works until the signal aborts; what is being published then is finished. */
  run(signal: AbortSignal): Promise<void>
  /** Since the last look that ended well or badly: for liveness. */
  idleMs(): number
}

export function createScheduler({ lanes, pacePerSecond }: SchedulerSettings, ports: SchedulerPorts): Scheduler {
  let lookedAtMs = ports.clock()

  async function runLane(lane: Lane, signal: AbortSignal): Promise<void> {
    const pace = createPace(pacePerSecond, ports.clock)
    while (!signal.aborted) {
      const isMoreDue = await look(lane, pace).catch((error: unknown) => {
        ports.observe({ kind: 'unavailable', lane, error })
        return undefined
      })
      lookedAtMs = ports.clock()
      if (isMoreDue === true) continue
      await ports.sleep(isMoreDue === undefined ? retryEveryMs : lookEveryMs, signal)
    }
  }

  /** @returns whether more is due and may go at once. */
  async function look(lane: Lane, pace: Pace): Promise<boolean> {
    const limit = pace.take(batchMax)
    if (limit === 0) return false
    let latestMs = 0
    let taken = 0
    try {
      taken = await ports.takeDue(lane, limit, async (due) => {
        latestMs = Math.max(...due.map(({ lateMs }) => lateMs))
        await ports.publish(due.map((each) => resumed(each, lane, ports)))
      })
    } finally {
      pace.giveBack(limit - taken)
    }
    ports.observe({ kind: 'looked', lane })
    if (taken > 0) ports.observe({ kind: 'resumed', lane, count: taken, latestMs })
    return taken === limit
  }

  return {
    run: async (signal) => {
      await Promise.all(lanes.map((lane) => runLane(lane, signal)))
    },
    idleMs: () => ports.clock() - lookedAtMs,
  }
}

function resumed({ pass, userId, value }: DueNotification, lane: Lane, ports: SchedulerPorts): OutgoingRecord {
  return {
    topic: ports.requestedTopic(lane),
    key: String(userId),
    value,
    headers: { [headerNames.pass]: String(pass) },
  }
}
