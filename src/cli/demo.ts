/**
 * `fanfare demo`: everything on this machine, from nothing to a reconciliation.
 */
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { runDemo } from './demo/run-demo.ts'
import { exitCodes } from './exit-code.ts'
import { shutdownSignal } from './shutdown-signal.ts'
import { wholeNumberArgument } from './whole-number.ts'

const localFolder = join(import.meta.dirname, '../../.fanfare')
/** The simulator's ledger takes two million calls. */
const eventsMax = 1_000_000
const slowestPerSecond = 200
/** What all roles in one process keep up with on two cores, stack and simulator beside them. */
const fastestPerSecond = 700
/** What a larger demo's publishing may take, within the fastest rate. */
const publishingSeconds = 60

export function demoCommand(): Command {
  return new Command('demo')
    .description('run everything on this machine: stack, provider simulator, all roles, events, reconciliation')
    .addOption(
      new Option('--events <count>', 'events to publish')
        .env('EVENTS')
        .argParser(wholeNumberArgument(1, eventsMax))
        .default(2_000),
    )
    .option('--rate <count>', 'events a second (default: 200, up to 700 for many)', wholeNumberArgument(1, 10_000))
    .addHelpText(
      'after',
      '\nExits with 1 unless what the providers took, what Postgres says and what the status topic says are the same, and\nevery special event (opted out, quiet, over a cap, scheduled, cancelled, duplicate) went as predicted.\n\nExamples:\n  fanfare demo\n  EVENTS=100000 fanfare demo',
    )
    .action(async ({ events, rate }: { events: number; rate?: number }) => {
      const { stack } = readConfiguration(processEnvironment(), ['stack'])
      const signal = shutdownSignal()
      try {
        const agrees = await runDemo({
          kind: stack.kind,
          events,
          perSecond: rate ?? defaultRate(events),
          directory: localFolder,
          environment: processEnvironment(),
          signal,
        })
        if (!agrees) process.exitCode = exitCodes.failure
      } catch (error) {
        if (!signal.aborted) throw error
        process.stdout.write('\ninterrupted: everything is stopped\n')
        process.exitCode = exitCodes.failure
      }
    })
}

function defaultRate(events: number): number {
  return Math.min(fastestPerSecond, Math.max(slowestPerSecond, Math.ceil(events / publishingSeconds)))
}
