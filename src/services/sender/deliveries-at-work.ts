/**
 * At most one record of a delivery is at work in this process: hop n and n + 1 side by side would take each other for a
 * gap, and a record that came twice would find its own lease.
 */
import type { Job } from './decode.ts'

export interface DeliveriesAtWork {
  /** Begins the jobs whose delivery is not at work, each delivery once; the others have to wait. */
  begin(jobs: readonly Job[]): { begun: Job[]; waiting: Job[] }
  end(job: Job): void
  /** Resolves when the deliveries that these jobs wait for have ended. */
  ended(jobs: readonly Job[]): Promise<void>
}

export function createDeliveriesAtWork(): DeliveriesAtWork {
  const endOf = new Map<string, { job: Job; ended: PromiseWithResolvers<void> }>()

  function begin(jobs: readonly Job[]): { begun: Job[]; waiting: Job[] } {
    const begun: Job[] = []
    const waiting: Job[] = []
    for (const job of jobs) {
      if (endOf.has(job.command.deliveryId)) {
        waiting.push(job)
      } else {
        endOf.set(job.command.deliveryId, { job, ended: Promise.withResolvers() })
        begun.push(job)
      }
    }
    return { begun, waiting }
  }

  function end(job: Job): void {
    const entry = endOf.get(job.command.deliveryId)
    if (entry?.job !== job) return
    endOf.delete(job.command.deliveryId)
    entry.ended.resolve()
  }

  async function ended(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) await endOf.get(job.command.deliveryId)?.ended.promise
  }

  return { begin, end, ended }
}
