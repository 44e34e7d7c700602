/**
 * The one entry: `fanfare <role>` or `fanfare <command>`.
 *
 * Loads only what the first argument names, so that help and small commands answer at once, and turns how a program
 * ended into an exit code and lines on standard error.
 */
import { Command, CommanderError } from 'commander'
import { exitCodes, type ExitCode } from './cli/exit-code.ts'
import { programs } from './cli/programs.ts'
import { ConfigurationError } from './configuration/configuration-fault.ts'

async function main(args: readonly string[]): Promise<ExitCode> {
  try {
    const program = await commandLine(args[0])
    await program.parseAsync(args, { from: 'user' })
    return process.exitCode === undefined ? exitCodes.success : exitCodes.failure
  } catch (error) {
    return report(error)
  }
}

/** The whole command line, of which only the program named is more than a name and a summary. */
async function commandLine(chosen: string | undefined): Promise<Command> {
  const root = new Command('fanfare')
    .description('A Kafka-native notification processor.')
    .usage('<role or command> [options]')
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExamples:\n  fanfare router --lane bulk\n  fanfare topics check --help\n\nExit codes: 0 done, 1 failed, 64 usage, 78 configuration.',
    )
  for (const [name, { summary, load, kind }] of Object.entries(programs)) {
    const command = name === chosen ? await load() : new Command(name).description(summary)
    root.addCommand(command.helpGroup(kind === 'role' ? 'Roles:' : 'Commands:'))
  }
  throwInsteadOfExiting(root)
  return root
}

/** commander ends the process itself unless every command of the tree is told not to. */
function throwInsteadOfExiting(command: Command): void {
  command.exitOverride()
  for (const child of command.commands) throwInsteadOfExiting(child)
}

/** Commands speak to a person at a terminal, so their errors show the message; roles log theirs and never come here. */
function report(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.success : exitCodes.usage
  if (error instanceof ConfigurationError) {
    const count = error.faults.length
    process.stderr.write(
      `fanfare: the configuration has ${count === 1 ? '1 fault' : `${count} faults`}\n${error.message}\n`,
    )
    return exitCodes.configuration
  }
  process.stderr.write(`fanfare: ${error instanceof Error ? error.message : String(error)}\n`)
  return exitCodes.failure
}

// Explicitly, because a connection that somebody left open must not hold a pod back until it is killed. Writing to a
// pipe or a file is synchronous on the systems that we support, so nothing is cut off.
process.exit(await main(process.argv.slice(2)))
