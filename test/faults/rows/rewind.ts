/**
 * Every group put back by three days, as after a restored cluster or by an operator's mistake: all of it is worked
 * through again, and nobody is called.
 *
 * Events are up to a week old, so the rows lie in many day partitions; some expired before they came, some on their way,
 * some were refused first and came round the ladder.
 */
import { waitUntil } from '../../../src/local/stack/wait-until.ts'
import type { Bench } from '../supervisor/bench.ts'
import { withAdmin } from '../supervisor/brokers.ts'
import { unplannedEnds, type FaultRow } from './fault-row.ts'

const dayMs = 24 * 3_600_000
const rewindMs = 3 * dayMs
/** Younger than what is refused as too old, by more than a run takes. */
const oldestMs = 7 * dayMs - 3_600_000
const longCategory = 'reminder'
const timeToLiveSeconds = 4 * 24 * 3_600
/** Before a refused delivery comes round the first rung. */
const shortLifeMs = 5_000
const refusedOnce = 30
const settleLimitMs = 120_000

export const rewind: FaultRow = {
  name: 'rewind',
  fault: 'All groups rewound by 3 days',
  run: async (bench) => {
    const { events, load, simulator } = bench
    await bench.query(
      `insert into categories (name, lane, channels, time_to_live_seconds, template_id)
       values ('${longCategory}', 'bulk', '{push,sms,email}', ${timeToLiveSeconds}, 'news')`,
    )
    const fault = { kind: 'status' as const, status: 503 }
    for (const provider of ['twilio', 'sendgrid', 'apns'] as const) {
      simulator.faults.add({ provider, times: refusedOnce, fault })
    }
    await publishOld(bench, Math.floor((events * 3) / 4))
    if (!(await bench.untilSettled(settleLimitMs))) return ['the first time did not come to rest']
    const days = await daysOf(bench)
    await Promise.all(bench.roles().map((role) => role.terminate()))
    const callsBefore = simulator.ledger.summary().total
    await rewindGroups(bench)
    const rewound = await bench.lag()
    await Promise.all(bench.roles().map((role) => role.start()))
    const isThrough = await waitUntil(async () => (await bench.lag()) === 0, { timeoutMs: settleLimitMs })
    await bench.untilSettled(settleLimitMs)
    const calls = simulator.ledger.summary().total - callsBefore
    await publishOld(bench, events - load.published())
    return [
      ...(days > 3 ? [] : [`the deliveries were of only ${days} days`]),
      ...(rewound > events ? [] : [`only ${rewound} records were there again`]),
      ...(isThrough.met ? [] : ['it was not worked through']),
      ...(calls === 0 ? [] : [`the rewind made ${calls} calls`]),
      ...unplannedEnds(bench),
    ]
  },
}

/** Every fourth of a short-lived category, so that most of them come too late; every fifth about to expire. */
async function publishOld({ load, random }: Bench, count: number): Promise<void> {
  const old = (_: unknown, at: number) => {
    const nowMs = Date.now()
    return load.message({
      createdAt: nowMs - Math.floor(random() * oldestMs),
      ...(at % 4 === 0 ? {} : { category: longCategory }),
      ...(at % 5 === 0 ? { expiresAt: nowMs + shortLifeMs } : {}),
    })
  }
  await load.publishEvents(Array.from({ length: count }, old))
}

async function daysOf(bench: Bench): Promise<number> {
  const [row] = await bench.query<{ count: number }>(
    `select count(distinct day)::integer as count from deliveries where state = 'sent'`,
  )
  return row?.count ?? 0
}

/** To where each topic was then, which here is its beginning. The groups have no members. */
async function rewindGroups({ world, consumed, schedule }: Bench): Promise<void> {
  const atMs = Date.now()
  schedule.rewindsAtMs = [...schedule.rewindsAtMs, atMs]
  await withAdmin(world.stack.kafka.brokers, async (admin) => {
    for (const { group, topics } of consumed) {
      for (const topic of topics) {
        const partitions = await admin.fetchTopicOffsetsByTimestamp(topic, atMs - rewindMs)
        await admin.setOffsets({ groupId: group, topic, partitions })
      }
    }
  })
}
