/**
 * `fanfare dlq list|show|redrive`: the dead letters.
 */
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Argument, Command } from 'commander'
import { deadLetterQueues, deadLetterTopicOf, type DeadLetterQueue } from '../domain/dead-letter-queue.ts'
import { drainTopic, readRecord, scanTopic } from '../kafka/topic-scan.ts'
import { createOperatorActions } from '../postgres/operator-actions.ts'
import type { DeliveryInfrastructure } from '../roles/infrastructure.ts'
import { readDeadLetters } from '../services/dead-letters/dead-letter.ts'
import { matches, type DeadLetterFilter } from '../services/dead-letters/filter.ts'
import { createDeadLetterGroups } from '../services/dead-letters/group.ts'
import { createRedriver } from '../services/dead-letters/redriver.ts'
import { deadLetterReader } from './dead-letter-reader.ts'
import { deadLetterText, groupTable, redriveText } from './dead-letter-text.ts'
import { withDeliveryTools } from './delivery-tools.ts'
import { exitCodes } from './exit-code.ts'
import { momentArgument } from './moment-argument.ts'
import { operatorOption } from './operator.ts'
import { shutdownSignal } from './shutdown-signal.ts'
import { wholeNumberArgument } from './whole-number.ts'

export function dlqCommand(): Command {
  return new Command('dlq')
    .description('look at the dead letters, and bring them back')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(redriveCommand())
}

const queueArgument = (name: string) => new Argument(name, 'the queue').choices(deadLetterQueues)

interface FilterFlags {
  reason?: string
  provider?: string
  template?: string
  category?: string
  since?: Moment
  until?: Moment
}

/** The text is kept: what was so long ago is another moment at every call. */
interface Moment {
  given: string
  unixMs: number
}

function toMoment(given: string): Moment {
  return { given, unixMs: momentArgument(given) }
}

function withFilters(command: Command): Command {
  return command
    .option('--reason <reason>', 'only with this x-reason')
    .option('--provider <name>', 'only whose delivery was last at this provider')
    .option('--template <id>', 'only of this template')
    .option('--category <name>', 'only of this category')
    .option('--since <moment>', 'dead-lettered since: 2h, 3d, 2026-11-22T10:00Z', toMoment)
    .option('--until <moment>', 'dead-lettered before', toMoment)
}

function filterOf({ since, until, reason, provider, template, category }: FilterFlags): DeadLetterFilter {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(provider === undefined ? {} : { provider }),
    ...(template === undefined ? {} : { template }),
    ...(category === undefined ? {} : { category }),
    ...(since === undefined ? {} : { sinceMs: since.unixMs }),
    ...(until === undefined ? {} : { untilMs: until.unixMs }),
  }
}

function listCommand(): Command {
  return withFilters(new Command('list'))
    .description('count the dead letters by queue, reason, provider, template and category')
    .addArgument(queueArgument('[queue]'))
    .addHelpText(
      'after',
      '\nReads the queues from their beginning; brings nothing back.\n\nExamples:\n  fanfare dlq list\n  fanfare dlq list sms --reason attempts_exhausted --since 2h',
    )
    .action(async (queue: DeadLetterQueue | undefined, flags: FilterFlags) => {
      await withDeliveryTools('dlq', (tools) => list(tools, queue === undefined ? deadLetterQueues : [queue], flags))
    })
}

/** One round trip to Postgres for each. */
const listedTogether = 500

async function list(
  tools: DeliveryInfrastructure,
  queues: readonly DeadLetterQueue[],
  flags: FilterFlags,
): Promise<void> {
  const reader = deadLetterReader(tools)
  const filter = filterOf(flags)
  const groups = createDeadLetterGroups()
  for (const queue of queues) {
    await scanTopic({
      connection: tools.kafka,
      topic: deadLetterTopicOf(queue, tools.topics),
      groupId: tools.topics.group('dlq-list', randomUUID()),
      take: async (records) => {
        for (let first = 0; first < records.length; first += listedTogether) {
          const letters = await readDeadLetters(queue, records.slice(first, first + listedTogether), reader)
          for (const letter of letters) if (matches(letter, filter)) groups.add(letter)
        }
      },
    })
  }
  const found = groups.list()
  process.stdout.write(found.length === 0 ? 'no dead letters\n' : `${groupTable(found)}\n`)
}

const partitionMax = 100_000

function showCommand(): Command {
  return new Command('show')
    .description('show one dead letter: where it lay, why it is here, what it is about')
    .addArgument(queueArgument('<queue>'))
    .argument('<partition>', 'as `dlq list` shows it', wholeNumberArgument(0, partitionMax))
    .argument('<offset>', 'in that partition', wholeNumberArgument(0, Number.MAX_SAFE_INTEGER - 1))
    .addHelpText(
      'after',
      '\nShows no address, no key and nothing of the message.\n\nExample:\n  fanfare dlq show sms 0 17',
    )
    .action(async (queue: DeadLetterQueue, partition: number, offset: number) => {
      await withDeliveryTools('dlq', async (tools) => {
        const topic = deadLetterTopicOf(queue, tools.topics)
        const record = await readRecord(tools.kafka, { topic, partition, offset: BigInt(offset) })
        const [letter] = record === undefined ? [] : await readDeadLetters(queue, [record], deadLetterReader(tools))
        if (letter === undefined) {
          process.stderr.write(`nothing lies at ${partition}:${offset} of ${topic}, or not any more\n`)
          process.exitCode = exitCodes.failure
        } else process.stdout.write(`${deadLetterText(letter)}\n`)
      })
    })
}

interface RedriveFlags extends FilterFlags {
  dryRun?: true
  rate: number
  force?: true
  fromStart?: true
  as: string
}

const rateByDefault = 50
const rateMax = 10_000
/** Of one chunk, so that a pause to keep the rate stays far below a session. */
const chunkMax = 100
/** How often a record may come back before a person has to insist. */
const redrivesMax = 3

function redriveCommand(): Command {
  return withFilters(new Command('redrive'))
    .description('bring dead letters back to where they came from')
    .addArgument(queueArgument('<queue>'))
    .option('--dry-run', 'say what would be done')
    .option('--rate <count>', 'records a second at most', wholeNumberArgument(1, rateMax), rateByDefault)
    .option('--force', `also what came back ${redrivesMax} times already`)
    .option('--from-start', 'also what an earlier redrive with these filters has passed')
    .addOption(operatorOption())
    .addHelpText(
      'after',
      '\nGoes on where the last redrive with the same filters stopped. What has ended otherwise since, what is expired and\nwhat would only come back stays. Nothing is accepted twice by it: rows decide. Every redrive is recorded.\n\nExamples:\n  fanfare dlq redrive sms --reason attempts_exhausted --dry-run\n  fanfare dlq redrive sms --reason attempts_exhausted --rate 20 --as ada\n  fanfare dlq redrive requested --category receipts --from-start',
    )
    .action(async (queue: DeadLetterQueue, flags: RedriveFlags) => {
      await withDeliveryTools('dlq', (tools) => redrive(tools, queue, flags))
    })
}

async function redrive(tools: DeliveryInfrastructure, queue: DeadLetterQueue, flags: RedriveFlags): Promise<void> {
  const { pool, producer, topics, kafka } = tools
  const isRehearsal = flags.dryRun === true
  const redriver = createRedriver(
    { queue, filter: filterOf(flags), redrivesMax: flags.force === true ? Infinity : redrivesMax },
    {
      ...deadLetterReader(tools),
      topics,
      publish: (records) => (isRehearsal ? Promise.resolve() : producer.send(records)),
      now: Date.now,
    },
  )
  const topic = deadLetterTopicOf(queue, topics)
  const actions = createOperatorActions(pool)
  const choices = choicesOf(flags)
  const begun = isRehearsal
    ? undefined
    : await actions.begin({ operator: flags.as, action: 'dlq.redrive', target: topic, choices })
  const signal = shutdownSignal()
  const pace = createPace(flags.rate, signal)
  await drainTopic({
    connection: kafka,
    topic,
    groupId: redriveGroup(tools, queue, flags),
    chunkSize: Math.min(chunkMax, flags.rate),
    commits: !isRehearsal,
    fromStart: flags.fromStart === true,
    signal,
    take: async (records) => {
      const redriven = await redriver.take(records)
      if (!isRehearsal) await pace(redriven)
    },
  })
  if (begun !== undefined) await actions.end(begun, redriver.counts())
  process.stdout.write(redriveText(redriver.counts(), isRehearsal))
  if (signal.aborted) process.stdout.write('interrupted; the same command goes on from here\n')
}

/** Its commits say how far redrives with these filters came: others have not passed what these did not mean. */
function redriveGroup({ topics }: DeliveryInfrastructure, queue: DeadLetterQueue, flags: FilterFlags): string {
  const { reason, provider, template, category, since, until } = flags
  // What is too young for a limit that moves with the clock is not too young for ever.
  const parts = [reason, provider, template, category, since?.given, until?.unixMs]
  if (parts.every((part) => part === undefined)) return topics.group('redrive', queue)
  const digest = createHash('sha256')
    .update(JSON.stringify(parts.map((part) => part ?? null)))
    .digest('hex')
  return topics.group('redrive', queue, digest.slice(0, 16))
}

function choicesOf({ as: _operator, ...choices }: RedriveFlags): Record<string, unknown> {
  return choices
}

/** Waits after so many records until the rate allows more. */
function createPace(perSecond: number, signal: AbortSignal): (records: number) => Promise<void> {
  let nextMs = performance.now()
  return async (records) => {
    nextMs = Math.max(nextMs, performance.now()) + (records * 1_000) / perSecond
    const waitMs = nextMs - performance.now()
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {})
  }
}
