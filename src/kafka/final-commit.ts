/**
 * The last commit before a member leaves. A rolling update stops members while others join, and the broker refuses
 * commits during a part of each rebalance: one attempt would be lost there, and what it said done again by the next
 * owner.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { settlesWithin } from './settles-within.ts'

export const finalCommitTimeoutMs = 3_000
const retryEveryMs = 100

/** @param commit one attempt, which reads ownership and positions anew; false where it failed. */
export async function commitBeforeLeaving(commit: () => Promise<boolean>): Promise<void> {
  let over = false
  async function untilCommitted(): Promise<void> {
    while (!over && !(await commit())) await sleep(retryEveryMs)
  }
  await settlesWithin(finalCommitTimeoutMs, untilCommitted())
  over = true
}
