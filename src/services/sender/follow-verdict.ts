/**
 * What follows from a claim's verdict, until it is published: the one switch over the hop table's actions.
 */
import type { OutgoingRecord } from '../../domain/record.ts'
import { attemptsMax } from '../../domain/retry-ladder.ts'
import { attempt, settle, unsent, type AttemptContext } from './attempt.ts'
import type { Claimed } from './claim.ts'
import type { Job } from './decode.ts'
import { deadLetterOf, nextHopOf, putBackOf, statusOf } from './publish.ts'

/** Resolves when everything that follows is acknowledged. Lost dependencies are waited for. */
export async function followVerdict(claimed: Claimed, context: AttemptContext): Promise<void> {
  const { settings, ports, patience } = context
  const outgoing = await outgoingOf(claimed, context)
  context.callEnded()
  if (outgoing.length === 0) return
  try {
    await patience.untilAvailable('publish', () => ports.publish(outgoing))
  } catch {
    // The broker refuses one of them. The settlement stands; the record is kept for a person.
    const deadLetter = deadLetterOf(claimed.job.record, 'internal_error', settings, ports)
    await patience.untilAvailable('publish', () => ports.publish([deadLetter]))
  }
}

async function outgoingOf(claimed: Claimed, context: AttemptContext): Promise<OutgoingRecord[]> {
  const { settings, ports } = context
  const { job, verdict } = claimed
  const { row } = verdict
  switch (verdict.action) {
    case 'claim': {
      const attempted = await attempt(claimed, context)
      return 'verdict' in attempted ? outgoingOf(attempted, context) : attempted
    }
    case 'expired':
    case 'cancelled':
    case 'suppressed':
    case 'opted_out':
      return row === undefined ? [] : [statusOf(job, { ...row, segments: null }, settings, ports)]
    case 'republish':
      return row === undefined ? [] : republished(job, row, context)
    // The row waits: by this claim, or since a settlement whose record may not have been published.
    case 'quiet':
    case 'next':
      return row === undefined ? [] : waiting(job, row, context)
    case 'unknown':
      return row === undefined ? [] : ambiguous(claimed, row, context)
    case 'put_back':
      return [putBackOf(job, settings, ports)]
    case 'stale':
    case 'again':
      return []
    case 'no_row':
      return [deadLetterOf(job.record, 'no_row', settings, ports)]
  }
}

/** A crash between settling and publishing left the status unpublished, and of an exhausted delivery its dead letter. */
function republished(job: Job, row: Row, { settings, ports }: AttemptContext): OutgoingRecord[] {
  const status = statusOf(job, { ...row, segments: null }, settings, ports)
  const exhaustedHere = row.reason === 'attempts_exhausted' && row.hop === job.headers.hop
  return exhaustedHere ? [status, deadLetterOf(job.record, 'attempts_exhausted', settings, ports)] : [status]
}

type Row = NonNullable<Claimed['verdict']['row']>

function waiting(job: Job, row: Row, { settings, ports }: AttemptContext): OutgoingRecord[] {
  return [statusOf(job, { ...row, segments: null }, settings, ports), nextHopOf(job, row, settings, ports)]
}

/**
 * A lease ended without a result, so nobody knows whether the call was made. The claim has written what the policy says;
 * a delivery that has no attempt left by it has failed.
 */
async function ambiguous(claimed: Claimed, row: Row, context: AttemptContext): Promise<OutgoingRecord[]> {
  const { settings, ports } = context
  const { job, verdict } = claimed
  if (row.state !== 'retrying') return [statusOf(job, { ...row, segments: null }, settings, ports)]
  if (row.attempt < attemptsMax(settings.channel, verdict.attemptsMax)) return waiting(job, row, context)
  const doubt = statusOf(job, { ...row, segments: null }, settings, ports)
  const exhausted = { ...unsent, state: 'failed', reason: 'attempts_exhausted', deadLettered: true } as const
  return [doubt, ...(await settle(job, exhausted, context))]
}
