/**
 * The command of a role: flags in place of environment variables, signals, and what happens when the role fails.
 *
 * A role's output is its log, so whatever ends it is a log line too, without the messages of unknown errors that Node
 * would print (see telemetry/log.ts).
 */
import { Command } from 'commander'
import { processEnvironment } from '../config.ts'
import { ConfigurationError } from '../configuration/configuration-fault.ts'
import type { RunRole } from '../roles/role.ts'
import { createLogger } from '../telemetry/log.ts'
import { exitCodes } from './exit-code.ts'
import { shutdownSignal } from './shutdown-signal.ts'

const flagsOfRoles = {
  lane: { flag: '--lane <lane>', variable: 'FANFARE_LANE', meaning: 'transactional or bulk' },
  channel: { flag: '--channel <channel>', variable: 'FANFARE_CHANNEL', meaning: 'ios, android, sms or email' },
  adminPort: { flag: '--admin-port <port>', variable: 'FANFARE_ADMIN_PORT', meaning: 'of /metrics, /livez, /readyz' },
} as const

type RoleFlag = keyof typeof flagsOfRoles

export interface RoleDescription {
  name: string
  summary: string
  flags: readonly RoleFlag[]
  /** Arguments of an example call, after `fanfare`. */
  examples: readonly string[]
}

export function roleCommand({ name, summary, flags, examples }: RoleDescription, run: RunRole): Command {
  const command = new Command(name).description(summary)
  for (const key of flags) {
    const { flag, variable, meaning } = flagsOfRoles[key]
    command.option(flag, `${meaning} (instead of ${variable})`)
  }
  const exampleLines = examples.map((example) => `  fanfare ${example}`).join('\n')
  command.addHelpText(
    'after',
    `\nExamples:\n${exampleLines}\n\nSettings come from FANFARE_* variables (docs/configuration.md). SIGTERM drains and ends it.`,
  )
  return command.action(async (given: Partial<Record<RoleFlag, string>>) => {
    const overrides = flags.flatMap((key) => {
      const value = given[key]
      return value === undefined ? [] : [[flagsOfRoles[key].variable, value] as const]
    })
    await runLogged(name, () =>
      run({
        environment: { ...processEnvironment(), ...Object.fromEntries(overrides) },
        shutdown: shutdownSignal(),
      }),
    )
  })
}

async function runLogged(role: string, run: () => Promise<void>): Promise<void> {
  const logger = createLogger({ role, level: 'fatal' })
  // A rejection that nobody handles arrives here too. The process's state is unknown: end it, the group hands over.
  process.on('uncaughtException', (err) => {
    logger.fatal({ err }, 'uncaught: ending the process')
    process.exit(exitCodes.failure)
  })
  try {
    await run()
  } catch (error) {
    if (error instanceof ConfigurationError) throw error
    logger.fatal({ err: error }, 'the role failed')
    process.exitCode = exitCodes.failure
  }
}
