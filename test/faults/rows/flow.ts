/**
 * Whether work flows: what is published now is routed and sent, on every partition, by processes that are all alive.
 */
import { randomUUID } from 'node:crypto'
import { waitUntil } from '../../../src/local/stack/wait-until.ts'
import type { Bench } from '../supervisor/bench.ts'
import { assignedPartitions, withAdmin } from '../supervisor/brokers.ts'

/** What the matrix promises after a broker is lost. */
const flowsAgainLimitMs = 60_000
/** Enough people for every partition of every topic to get some. */
const volleyEvents = 60
const pollMs = 100
const idleLimitMs = 20_000

/** Publishes new events and waits until all of them are sent: the limit counts from then, by the monotonic clock. */
export async function flowsAgain(bench: Bench, what: string, sinceMs: number): Promise<string[]> {
  const ids = Array.from({ length: volleyEvents }, () => randomUUID())
  await bench.load.publishEvents(ids.map((notificationId) => bench.load.message({ notificationId })))
  const timeoutMs = Math.max(0, sinceMs + flowsAgainLimitMs - performance.now())
  const waited = await waitUntil(async () => (await sentOf(bench, ids)) === ids.length, {
    timeoutMs,
    intervalMs: pollMs,
  })
  const elapsedMs = Math.round(performance.now() - sinceMs)
  if (waited.met) {
    process.stdout.write(`        ${what}: new events were sent after ${elapsedMs} ms\n`)
    return []
  }
  return [
    `${what}: only ${await sentOf(bench, ids)} of ${ids.length} new events were sent within ${flowsAgainLimitMs} ms`,
  ]
}

async function sentOf(bench: Bench, ids: readonly string[]): Promise<number> {
  const [row] = await bench.query<{ count: number }>(
    `select count(*)::integer as count from (
       select bool_and(state = 'sent') as sent from deliveries
       where notification_id in (${ids.map((id) => `'${id}'`).join()}) group by notification_id
     ) as each where sent`,
  )
  return row?.count ?? 0
}

/**
 * No process is silently idle: every group has given out all of its partitions, has settled what lies on them, and each
 * of its processes calls itself alive.
 */
export async function idleProcesses(bench: Bench): Promise<string[]> {
  let complaints = ['whether processes are idle could not be found out']
  await waitUntil(
    async () => {
      complaints = [...(await idleGroups(bench)), ...(await silentRoles(bench))]
      return complaints.length === 0
    },
    { timeoutMs: idleLimitMs, intervalMs: pollMs },
  )
  return complaints
}

async function idleGroups({ world, consumed, lag, topicPrefix }: Bench): Promise<string[]> {
  return withAdmin(world.stack.kafka.brokers, async (admin) => {
    const complaints: string[] = []
    for (const { group, topics } of consumed) {
      const { topics: metadata } = await admin.fetchTopicMetadata({ topics: [...topics] })
      const wanted = metadata.flatMap(({ partitions }) => partitions).length
      const assigned = await assignedPartitions(admin, group)
      if (assigned !== wanted) complaints.push(`${group} has given out ${assigned} of ${wanted} partitions`)
      const behind = await lag(group.slice(topicPrefix.length))
      if (behind > 0) complaints.push(`${group} is ${behind} records behind and does not move`)
    }
    return complaints
  })
}

async function silentRoles(bench: Bench): Promise<string[]> {
  const silent = await Promise.all(
    bench.roles().map(async (role) => {
      const { ok, detail } = await role.health().catch((error: Error) => ({ ok: false, detail: error.message }))
      return ok ? [] : [`${role.name} is not alive: ${detail}`]
    }),
  )
  return silent.flat()
}
