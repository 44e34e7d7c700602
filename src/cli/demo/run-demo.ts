/**
 * The demo from an empty folder to a reconciliation: stack, simulator, contracts, people, roles, events, report.
 *
 * Every part is real but the providers, and they are servers that speak the real protocols. Nothing is left running,
 * however it ends; logs stay in the stack's folder.
 */
import { join, relative } from 'node:path'
import type { Environment } from '../../configuration/environment.ts'
import type { StackKind } from '../../configuration/sections.ts'
import { consumerGroups } from '../../domain/consumer-groups.ts'
import { createKafka } from '../../kafka/connection.ts'
import { readGroupLags } from '../../kafka/group-lag.ts'
import { withAdmin } from '../../kafka/with-admin.ts'
import { comparePredictions, waits, type PublishedEvent } from '../../local/demo/predictions.ts'
import { funnelAgrees, loopText } from '../../local/demo/loop-report.ts'
import { compareReactions, createReactors, type Reactor } from '../../local/demo/reactions.ts'
import { reportText } from '../../local/demo/report.ts'
import { createScript, type Script } from '../../local/demo/script.ts'
import { countText } from '../../local/demo/text-table.ts'
import { isSent } from '../../local/reconciliation/deliveries.ts'
import { nameOf, type Evidence } from '../../local/reconciliation/evidence.ts'
import { reconcile } from '../../local/reconciliation/reconcile.ts'
import { createAudit, type Tally } from '../../postgres/audit.ts'
import { createHotPathPool } from '../../postgres/hot-path-pool.ts'
import { startEventProducer, type EventProducer } from '../event-producer.ts'
import { createProgressLine } from '../progress-line.ts'
import { defaultSeed } from '../seed.ts'
import { applyContracts } from './contracts.ts'
import { closeTheLoop, type ClosedLoop } from './closed-loop.ts'
import { openingSentences } from './demo-stack.ts'
import { askGateway } from './ask-gateway.ts'
import { gatherEvidence } from './gather-evidence.ts'
import { createPhases, secondsText } from './phases.ts'
import { publishEvents } from './publishing.ts'
import type { RolesProcess } from './roles-process.ts'
import { rolesLog, startRoles } from './start-roles.ts'
import { untilSettled, type Progress } from './settling.ts'
import { startWorld, type World } from './world.ts'

export interface DemoOptions {
  /** Whose stack it runs on. */
  kind: StackKind
  events: number
  perSecond: number
  /** The folder for everything that the stack writes. */
  directory: string
  environment: Environment
  signal: AbortSignal
}

const users = 1_000
const seed = defaultSeed
const write = (text: string) => void process.stdout.write(text)

/**
 * @returns whether every event was settled, the three parties agree, and what became of the special events is what the
 * script predicted. Throws where a part fails.
 */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { kind, events, directory, environment, signal } = options
  const phases = createPhases(write)
  const script = createScript({ events, users, seed, nowMs: Date.now() })
  const where = kind === 'external' ? 'on the stack that the environment names' : 'all on this machine'
  phases.say(`Fanfare demo: ${countText(events)} events for ${countText(users)} people, ${where}`)
  await using opened = new AsyncDisposableStack()
  const world = await phases.run({ name: 'stack', sentence: openingSentences[kind] }, () =>
    startWorld({ kind, directory, environment, signal, opened, phases }),
  )
  const { stack, simulator, kafka, doors } = world
  const reactors = createReactors(users + script.people.length + 1)
  const guests = [...script.people, ...reactors.map(({ person }) => person)]
  await phases.run(sentences.contracts, () => applyContracts(stack))
  const roles = await phases.run(sentences.roles, () =>
    startRoles(world, { users, seed, guests, environment, signal, opened }),
  )
  phases.say(`  they log to ${relative(process.cwd(), join(stack.logs, rolesLog))}`)
  const pool = createHotPathPool({ url: stack.postgres.url, applicationName: 'fanfare-demo', maxConnections: 2 })
  opened.defer(() => pool.close())
  const audit = createAudit(pool)
  const published: PublishedEvent[] = []
  const sentence = `publishing ${countText(options.perSecond)} events a second, on both lanes`
  const producer = await startEventProducer({ kafka, topics: stack.topics, registry: { url: stack.registry.url } })
  opened.defer(() => producer.close())
  const settling: Settling = { ...options, script, roles, published, producer, readTally: audit.tally }
  const unsettled = await phases.run({ name: 'events', sentence }, () => publishAndSettle(settling))
  const loop = await phases.run(sentences.loop, () => closeTheLoop(loopOf(world, reactors, settling), events))
  const missing = unsettled ?? loop.missing
  if (missing !== undefined) phases.say(`NOT SETTLED: ${missing}`)
  const asked = loop.messages.flatMap(({ first, second }) => (second === null ? [first] : [first, second]))
  const answers = await phases.run(sentences.gateway, async () =>
    askGateway({ pool, gatewayUrl: doors.gatewayUrl, sent: await countSent(audit.tally), signal }),
  )
  // What is settled in Postgres may still be on its way to the status topic: a drained process has published it.
  await phases.run(sentences.drain, () => roles.end())
  const evidence = await phases.run(sentences.reconcile, () =>
    gatherEvidence({
      published: [...published, ...asked],
      reports: loop.reports,
      audit,
      kafka,
      topics: stack.topics,
      ledger: simulator.ledger,
      registry: { url: stack.registry.url },
    }),
  )
  const waiting = published.filter(({ outcome }) => outcome !== null && waits(outcome))
  const reconciliation = reconcile(evidence, new Set(waiting.map(nameOf)))
  const predictions = comparePredictions(script.predicted, published, evidence)
  const reactionLines = compareReactions(loop.messages, evidence)
  const funnelHolds = funnelAgrees(answers, evidence)
  write(`\n${reportText(evidence, { ...reconciliation, predictions })}\n`)
  write(`\n${loopText(reactionLines, answers, funnelHolds)}\n\n`)
  write(`First delivery ${firstDeliveryText(evidence)} after the start.\nTimes: ${phases.summary()}.\n`)
  const holds = [...predictions, ...reactionLines].every((line) => line.holds) && funnelHolds
  return missing === undefined && reconciliation.differences.length === 0 && holds
}

const sentences = {
  contracts: { name: 'contracts', sentence: 'creating tables, topics and schemas' },
  roles: { name: 'roles', sentence: `starting every role, and seeding ${countText(users)} people` },
  loop: { name: 'closed loop', sentence: 'people open, click, unsubscribe and answer; providers report' },
  gateway: { name: 'gateway', sentence: 'asking the gateway for the funnel and the suppressions' },
  drain: { name: 'drain', sentence: 'draining the roles' },
  reconcile: { name: 'reconciliation', sentence: 'reading the ledger, Postgres and the status topic' },
} as const

interface Settling extends DemoOptions {
  script: Script
  roles: RolesProcess
  producer: EventProducer
  /** Filled with what the broker has acknowledged. */
  published: PublishedEvent[]
  readTally: Parameters<typeof untilSettled>[0]['readTally']
}

/** @returns undefined when everything is settled, or what is missing. */
async function publishAndSettle(settling: Settling): Promise<string | undefined> {
  const { events, perSecond, signal, script, published, producer, readTally } = settling
  const [missing] = await Promise.all([
    settled(settling, events),
    publishEvents({
      producer,
      events,
      perSecond,
      script,
      signal,
      countLogged: async () => loggedOf(await readTally()),
      onPublished: (batch) => published.push(...batch),
    }),
  ])
  return missing
}

/** @param events of all that were published. */
async function settled({ script, roles, signal, published, readTally }: Settling, events: number) {
  const line = createProgressLine()
  try {
    return await untilSettled({
      events,
      waiting: script.waiting,
      readTally,
      onProgress: (progress) => {
        signal.throwIfAborted()
        roles.assertRunning()
        line.update(progressText(published.length, progress))
      },
    })
  } finally {
    line.end()
  }
}

function loopOf(
  { stack: { topics }, kafka, simulator, doors }: World,
  reactors: readonly Reactor[],
  settling: Settling,
): ClosedLoop {
  const feedback = consumerGroups(topics).filter(({ group }) => group === topics.group('feedback'))
  const client = createKafka(kafka)
  return {
    reactors,
    producer: settling.producer,
    ledger: simulator.ledger,
    webhooks: simulator.webhooks,
    publicUrl: doors.publicUrl,
    edgeUrl: doors.edgeUrl,
    untilSettled: (events) => settled(settling, events),
    lookingAtLag: (work) =>
      withAdmin(client, (admin) =>
        work(async () => (await readGroupLags(admin, feedback)).reduce((sum, { lag }) => sum + lag, 0)),
      ),
    signal: settling.signal,
  }
}

async function countSent(readTally: () => Promise<Tally>): Promise<number> {
  const sent = (await readTally()).deliveries.filter(isSent)
  return sent.reduce((sum, { count }) => sum + count, 0)
}

function loggedOf({ notifications }: Tally): number {
  return notifications.reduce((sum, { count }) => sum + count, 0)
}

function progressText(published: number, { decided, deferred, sent, open, ended }: Progress): string {
  const counts = { published, decided, deferred, sent, 'not sent': ended, open }
  const shown = Object.entries(counts).filter(([name, count]) => name !== 'deferred' || count > 0)
  return `  ${shown.map(([name, count]) => `${name} ${countText(count)}`).join('  ')}`
}

function firstDeliveryText({ calls }: Evidence): string {
  const [first] = calls.filter(({ verdict }) => verdict === 'accepted')
  return first === undefined ? 'never' : secondsText(first.receivedAtMs - performance.timeOrigin)
}
