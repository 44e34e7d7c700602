/**
 * Stage 3, claim: one statement for the chunk, committed before any call.
 *
 * The owner is this process, and at most one record of a delivery is at work in it, so a claim whose answer was lost is
 * granted again when it is asked again. Rows that moved after the snapshot are asked for again at once.
 */
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import type { ClaimRequest, ClaimVerdict } from '../../domain/claim.ts'
import { requestChannelOf } from '../../domain/channel.ts'
import type { Job } from './decode.ts'
import type { SenderPorts } from './ports.ts'
import { claimAsksMax, type SenderSettings } from './sender-settings.ts'

export interface Claimed {
  job: Job
  verdict: ClaimVerdict
  /** Monotonic ms until which the call may run; measured from before the statement, so it errs to the safe side. */
  leaseEndsAt: number
}

/** @param jobs distinct by delivery id. @returns one for each, in order. */
export async function claim(jobs: readonly Job[], settings: SenderSettings, ports: SenderPorts): Promise<Claimed[]> {
  const claimed = new Map<string, Claimed>()
  let open = jobs
  for (let asks = 0; open.length > 0; asks += 1) {
    if (asks === claimAsksMax) throw new DependencyUnavailable('postgres', 'rows_keep_moving')
    const leaseEndsAt = ports.monotonicNow() + settings.leaseMs
    const context = {
      channel: requestChannelOf(settings.channel),
      owner: settings.owner,
      leaseMs: settings.leaseMs,
    }
    const verdicts = await ports.rows.claim(
      context,
      open.map((job) => toRequest(job, ports)),
    )
    const jobOf = new Map(open.map((job) => [job.command.deliveryId, job]))
    for (const verdict of verdicts) {
      const job = jobOf.get(verdict.deliveryId)
      if (job !== undefined && verdict.action !== 'again') {
        claimed.set(verdict.deliveryId, { job, verdict, leaseEndsAt })
      }
    }
    open = open.filter((job) => !claimed.has(job.command.deliveryId))
  }
  const inOrder = jobs.map((job) => claimed.get(job.command.deliveryId)).filter((each) => each !== undefined)
  for (const [action, group] of Map.groupBy(inOrder, ({ verdict }) => verdict.action)) {
    ports.observe({ kind: 'claimed', action, count: group.length })
  }
  return inOrder
}

function toRequest({ command, headers }: Job, ports: SenderPorts): ClaimRequest {
  return {
    deliveryId: command.deliveryId,
    hop: headers.hop,
    userId: command.userId,
    category: command.category,
    addressHash: ports.hashAddress(command.channel, command.address),
    redrive: headers.redrives > 0,
    quietFrom: command.quietFrom,
    quietUntil: command.quietUntil,
  }
}
