/**
 * `fanfare lag`: how far every consumer group is behind, at which rate it works, and who its members are.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Command, InvalidArgumentError } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { consumerGroups } from '../domain/consumer-groups.ts'
import { topicNames } from '../domain/topic-names.ts'
import { createKafka } from '../kafka/connection.ts'
import { readGroupLags, type GroupLag } from '../kafka/group-lag.ts'
import { withAdmin } from '../kafka/with-admin.ts'
import { durationArgument } from './event-arguments.ts'
import { groupRates, lagTable } from './lag-text.ts'
import { shutdownSignal } from './shutdown-signal.ts'

const overByDefaultMs = 5_000
const overMaxMs = 3_600_000

interface LagFlags {
  over: number
  watch?: true
  json?: true
}

export function lagCommand(): Command {
  return new Command('lag')
    .description('show how far each consumer group is behind, how fast it works, and who its members are')
    .option(
      '--over <duration>',
      'look twice, so far apart, and tell the rate in between',
      overArgument,
      overByDefaultMs,
    )
    .option('--watch', 'again and again until Ctrl-C')
    .option('--json', 'one line of JSON for each group and topic, with the members by name')
    .addHelpText(
      'after',
      '\nAsks the brokers, so it also knows groups that nobody is a member of. What waits on the retry topics until it is due is\nlag by design.\n\nExamples:\n  fanfare lag\n  fanfare lag --watch --over 10s\n  fanfare lag --json | jq "select(.lag > 1000)"',
    )
    .action(showLag)
}

async function showLag({ over, watch, json }: LagFlags): Promise<void> {
  const { kafka, topics } = readConfiguration(processEnvironment(), ['kafka', 'topics'])
  const signal = shutdownSignal()
  const groups = consumerGroups(topicNames(topics.prefix))
  // What goes wrong arrives as an exception; kafkajs's own lines about its retries would only bury it.
  const client = createKafka({ brokers: kafka.brokers, clientId: 'fanfare-lag', log: () => {} })
  await withAdmin(client, async (admin) => {
    let before = await look()
    do {
      await sleep(over, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      const now = await look()
      const rates = groupRates(before, now)
      process.stdout.write(json === true ? rates.map((each) => `${JSON.stringify(each)}\n`).join('') : lagTable(rates))
      before = now
    } while (watch === true)

    async function look(): Promise<{ atMs: number; lags: GroupLag[] }> {
      const lags = await readGroupLags(admin, groups)
      return { atMs: performance.now(), lags }
    }
  })
}

function overArgument(given: string): number {
  const overMs = durationArgument(given)
  if (overMs > 0 && overMs <= overMaxMs) return overMs
  throw new InvalidArgumentError('It must be from 1s to 1h.')
}
