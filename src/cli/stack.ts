/**
 * `fanfare stack`: Kafka, schema registry, PostgreSQL and Redis on this machine for as long as the command runs, ready
 * for the roles.
 */
import { join } from 'node:path'
import { Command } from 'commander'
import { processEnvironment } from '../config.ts'
import { startStack } from '../local/stack/stack.ts'
import { writeEnvironmentFile } from './environment-file.ts'
import { aborted, shutdownSignal } from './shutdown-signal.ts'
import { stackSentence } from './stack-sentence.ts'

const localFolder = join(import.meta.dirname, '../../.fanfare')

interface StackFlags {
  directory: string
  environmentFile?: string
  install: boolean
}

export function stackCommand(): Command {
  return new Command('stack')
    .description('run Kafka, registry, PostgreSQL and Redis on this machine until interrupted')
    .option('--directory <path>', 'where everything is kept', localFolder)
    .option('--environment-file <path>', 'where the addresses are written (default: stack.env in that folder)')
    .option('--no-install', 'name missing programs instead of installing them')
    .addHelpText(
      'after',
      '\nExample, in two terminals:\n  fanfare stack\n  set -a; . .fanfare/stack.env; fanfare migrate; fanfare topics apply --replicas 1; fanfare schemas register',
    )
    .action(runStack)
}

async function runStack({
  directory,
  environmentFile = join(directory, 'stack.env'),
  install,
}: StackFlags): Promise<void> {
  const signal = shutdownSignal()
  const stack = await startStack({
    directory,
    environment: processEnvironment(),
    mayInstall: install,
    onEvent: (event) => process.stdout.write(`${stackSentence(event)}\n`),
    signal,
  })
  try {
    writeEnvironmentFile(environmentFile, stack.environment)
    process.stdout.write(`ready: set -a; . ${environmentFile}\nlogs: ${stack.logs}\n`)
    await aborted(signal)
  } finally {
    await stack.stop()
  }
}
