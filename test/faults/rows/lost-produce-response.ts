/**
 * Answers to produce requests that are lost after the append, while other sends wait: the broker has the records, and
 * whoever sent them cannot know. They come a second time, and are absorbed by their identity.
 *
 * The broker goes on for a moment without being heard and then is away for longer than the client tries, so that what
 * goes out next is another request. A client that hands it the sequence numbers of the one before loses it here.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { waitUntil } from '../../../src/local/stack/wait-until.ts'
import type { Bench } from '../supervisor/bench.ts'
import { withAdmin } from '../supervisor/brokers.ts'
import { unplannedEnds, type FaultRow } from './fault-row.ts'

const rounds = 5
/** Of the database, each way: a chunk of the router is under way when the answers begin to vanish. */
const slowLine = { latencyMs: 8, jitterMs: 8 }
/** For about as long a round's events are routed and sent. */
const workingSpanMs = 400
/** A router that has recorded deliveries is about to forward them; the answer that says so is still on the slow line. */
const recordedLimitMs = 5_000
const recordedPollMs = 5
/** For what is under way to reach the broker. */
const unheardMs = 700
/** Longer than the retries of one request, shorter than a session. */
const awayMs = 2_000
const backLimitMs = 20_000
const settleLimitMs = 20_000

export const lostProduceResponse: FaultRow = {
  name: 'lost-produce-response',
  fault: 'A produce response lost after the append, other sends waiting',
  run: async (bench) => {
    const { load, events, world, random } = bench
    const [broker] = world.proxies.kafka
    world.proxies.postgres.slow(slowLine)
    for (const provider of ['apns', 'twilio', 'sendgrid'] as const) {
      bench.simulator.faults.setBaseLatency(provider, { kind: 'uniform', fromMs: 50, toMs: 600 })
    }
    for (let round = 0; round < rounds; round += 1) {
      const underLoad = load.spread(Math.floor(events / (rounds + 1)), 2 * workingSpanMs)
      await wait(random() * workingSpanMs)
      await untilRecorded(bench)
      await broker?.break('lose-answers')
      await wait(unheardMs)
      await broker?.break('refuse')
      await wait(awayMs)
      await broker?.heal()
      await underLoad
      // Whoever is not yet back among the living would not be at work when it begins again.
      await waitUntil(async () => (await bench.lag()) === 0, { timeoutMs: backLimitMs, intervalMs: 100 })
    }
    await load.publish(events - load.published())
    await bench.untilSettled(settleLimitMs)
    return [...(await withoutRepeats(bench)), ...unplannedEnds(bench)]
  },
}

async function untilRecorded(bench: Bench): Promise<void> {
  const before = await deliveriesOf(bench)
  const isMore = async () => (await deliveriesOf(bench)) > before
  await waitUntil(isMore, { timeoutMs: recordedLimitMs, intervalMs: recordedPollMs })
}

async function deliveriesOf(bench: Bench): Promise<number> {
  const [row] = await bench.query<{ count: number }>(`select count(*)::integer as count from deliveries`)
  return row?.count ?? 0
}

/** Records of the channel topics beyond one for each delivery, but for those that came from the retry topics. */
async function withoutRepeats(bench: Bench): Promise<string[]> {
  const { world, consumed } = bench
  const recordsOf = (role: string) => {
    const topics = consumed.filter(({ group }) => group.includes(`.${role}.`)).flatMap((each) => each.topics)
    return withAdmin(world.stack.kafka.brokers, async (admin) => {
      const offsets = await Promise.all(topics.map((topic) => admin.fetchTopicOffsets(topic)))
      return offsets.flat().reduce((sum, { high }) => sum + Number(high), 0)
    })
  }
  const repeats = (await recordsOf('sender')) - (await recordsOf('retry')) - (await deliveriesOf(bench))
  process.stdout.write(`        ${repeats} commands were appended again\n`)
  return repeats > 0 ? [] : ['no command was appended twice: the row shows nothing']
}
