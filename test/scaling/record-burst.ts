/**
 * Records what the scaling rule is judged with: a burst of ten times the usual load, as it really arrives at a sender's
 * topic through a router; what one sender works off of it in a second; and how long the group commits nothing when a
 * member joins. Writes docs/results/burst.json.
 *
 * Run by hand, with the addresses of an idle stack in the environment: `node test/scaling/record-burst.ts`. The provider
 * answers in 1.5 s here, so that one sender with its 100 calls does about 66 messages a second and a burst of 600 is too
 * much for it, without the machine being the limit.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { paced } from '../../src/cli/paced.ts'
import { createKafka } from '../../src/kafka/connection.ts'
import { anEvent, insertCatalogue, insertPerson } from '../support/builders/catalogue.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'
import { burstFile, type BurstRecording } from './burst-recording.ts'

const calmPerSecond = 60
const burstPerSecond = 600
const phaseSeconds = 60
const people = 240
const providerLatencyMs = 1_500
/** Long after the burst, while one sender works at its limit. */
const joinAtSecond = 150
const endAtSecond = 190

async function record(): Promise<BurstRecording> {
  const pipeline = await startPipeline()
  try {
    await insertCatalogue(pipeline.database)
    for (let userId = 1; userId <= people; userId += 1) await insertPerson(pipeline.database, { userId })
    pipeline.simulator.faults.setBaseLatency('twilio', providerLatencyMs)
    await pipeline.start(['router', '--lane', 'transactional'])
    await pipeline.start(['sender', '--channel', 'sms', '--lane', 'transactional'])
    const [samples] = await Promise.all([sampleGroup(pipeline), publish(pipeline)])
    return recordingOf(samples)
  } finally {
    await pipeline.stop()
  }
}

async function publish(pipeline: Pipeline): Promise<void> {
  for (const perSecond of [calmPerSecond, burstPerSecond, calmPerSecond]) {
    await paced({ total: perSecond * phaseSeconds, perSecond }, async (first, count) => {
      const events = Array.from({ length: count }, (_, index) =>
        anEvent({ userId: 1 + ((first + index) % people), channels: ['sms'] }),
      )
      await pipeline.request(...events)
    })
  }
}

interface Sample {
  atMs: number
  arrived: number
  committed: number
}

/** Once a second: the ends of the sender's topic, and what its group has committed. A second sender joins on the way. */
async function sampleGroup(pipeline: Pipeline): Promise<Sample[]> {
  const { topics } = pipeline
  const topic = topics.deliveries('sms', 'transactional')
  const groupId = topics.group('sender', 'sms', 'transactional')
  const { brokers } = readStackEnvironment()
  const admin = createKafka({ brokers, clientId: 'record-burst', log: () => {} }).admin()
  await admin.connect()
  const samples: Sample[] = []
  const startMs = performance.now()
  let joining: Promise<unknown> | undefined
  try {
    for (let second = 0; second <= endAtSecond; second += 1) {
      await sleep(Math.max(0, startMs + second * 1_000 - performance.now()))
      if (second === joinAtSecond) joining = pipeline.start(['sender', '--channel', 'sms', '--lane', 'transactional'])
      const atMs = performance.now() - startMs
      const ends = await admin.fetchTopicOffsets(topic)
      const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
      const arrived = ends.reduce((sum, { high }) => sum + Number(high), 0)
      const committed = offsets?.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0) ?? 0
      samples.push({ atMs, arrived, committed })
    }
  } finally {
    await admin.disconnect()
    await joining
  }
  return samples
}

function recordingOf(samples: readonly Sample[]): BurstRecording {
  const perSecond = (key: 'arrived' | 'committed') =>
    samples.slice(1).map((sample, index) => Math.round(sample[key] - (samples[index]?.[key] ?? 0)))
  const committed = perSecond('committed')
  // One sender alone at its limit: from the middle of the burst until the other one joins.
  const saturated = committed.slice(1.5 * phaseSeconds, joinAtSecond)
  const afterJoin = committed.slice(joinAtSecond)
  return {
    arrivalsPerSecond: perSecond('arrived').slice(0, 3 * phaseSeconds),
    memberPerSecond: Math.round(saturated.reduce((sum, count) => sum + count, 0) / saturated.length),
    rebalanceSeconds: longestSilence(afterJoin),
    committedPerSecond: committed,
    joinAtSecond,
  }
}

function longestSilence(counts: readonly number[]): number {
  let longest = 0
  let current = 0
  for (const count of counts) {
    current = count === 0 ? current + 1 : 0
    longest = Math.max(longest, current)
  }
  return longest
}

const recording = await record()
writeFileSync(join(import.meta.dirname, '../..', burstFile), `${JSON.stringify(recording)}\n`)
process.stdout.write(
  `${recording.arrivalsPerSecond.length} s recorded; one sender does ${recording.memberPerSecond} a second; a member that joins costs ${recording.rebalanceSeconds} s\n`,
)
