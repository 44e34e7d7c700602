/**
 * What follows from a claim's verdict, until it is published: the one switch over the hop table's actions.
 */
import type { OutgoingRecord } from '../../domain/record.ts'
import { attempt, type AttemptContext } from './attempt.ts'
import type { Claimed } from './claim.ts'
import { deadLetterOf, statusOf } from './publish.ts'
import { untilAvailable } from './until-available.ts'

/** Resolves when everything that follows is acknowledged. Lost dependencies are waited for. */
export async function followVerdict(claimed: Claimed, context: AttemptContext): Promise<void> {
  const { settings, ports } = context
  const outgoing = await outgoingOf(claimed, context)
  context.callEnded()
  if (outgoing.length === 0) return
  try {
    await untilAvailable('publish', () => ports.publish(outgoing), ports)
  } catch {
    // The broker refuses one of them. The settlement stands; the record is kept for a person.
    const deadLetter = deadLetterOf(claimed.job.record, 'internal_error', settings, ports)
    await untilAvailable('publish', () => ports.publish([deadLetter]), ports)
  }
}

async function outgoingOf(claimed: Claimed, context: AttemptContext): Promise<OutgoingRecord[]> {
  const { settings, ports } = context
  const { job, verdict } = claimed
  switch (verdict.action) {
    case 'claim': {
      const attempted = await attempt(claimed, context)
      return 'verdict' in attempted ? outgoingOf(attempted, context) : attempted
    }
    case 'expired':
    case 'suppressed':
    case 'opted_out':
    case 'republish':
      return verdict.row === undefined ? [] : [statusOf(job, { ...verdict.row, segments: null }, settings, ports)]
    case 'stale':
    case 'again':
      return []
    case 'no_row':
      return [deadLetterOf(job.record, 'no_row', settings, ports)]
    case 'put_back':
    case 'unknown':
    case 'next':
    case 'quiet':
      // Until there is a retry ladder to put it back through: kept whole in the dead letters, and counted.
      return [deadLetterOf(job.record, 'claimed_elsewhere', settings, ports)]
  }
}
