/**
 * `fanfare simulator`: the providers on this machine for as long as the command runs.
 *
 * The option is not called `--env-file`, because Node takes that one for itself wherever it stands.
 */
import { join } from 'node:path'
import { Command } from 'commander'
import { startSimulator, type Simulator, type SimulatorOptions } from '../local/simulator/simulator.ts'
import { writeEnvironmentFile } from './environment-file.ts'
import { aborted, shutdownSignal } from './shutdown-signal.ts'
import { wholeNumberArgument } from './whole-number.ts'

const defaultEnvironmentFile = join(import.meta.dirname, '../../.fanfare/simulator.env')

interface SimulatorFlags {
  environmentFile: string
  host?: string
  adminPort?: number
  edge?: string
}

export function simulatorCommand(): Command {
  return new Command('simulator')
    .description('run stand-ins for APNs, FCM, Twilio and SendGrid on this machine until interrupted')
    .option(
      '--environment-file <path>',
      'where addresses and credentials for the senders are written',
      defaultEnvironmentFile,
    )
    .option('--host <name>', 'listen on every address, and be called by this name: for a container')
    .option(
      '--admin-port <port>',
      'of the ledger and the faults (default: any free one)',
      wholeNumberArgument(1, 65_535),
    )
    .option('--edge <url>', 'report there, by signed webhooks, what becomes of messages')
    .addHelpText(
      'after',
      '\nExample, in two terminals:\n  fanfare simulator\n  set -a; . .fanfare/simulator.env; fanfare sender --channel sms --lane bulk',
    )
    .action(async ({ environmentFile, edge, ...flags }: SimulatorFlags) => {
      const signal = shutdownSignal()
      const simulator = await startSimulator(simulatorOptions(flags))
      if (edge !== undefined) aimWebhooks(simulator, edge)
      try {
        writeEnvironmentFile(environmentFile, simulator.environment)
        process.stdout.write(`ready: set -a; . ${environmentFile}\nledger and faults: ${simulator.adminUrl}\n`)
        await aborted(signal)
      } finally {
        await simulator.stop()
      }
    })
}

/** The providers know the edge by the public URL of their callbacks, and reach it here, as behind a proxy. */
function aimWebhooks({ webhooks, environment }: Simulator, edge: string): void {
  const publicUrl = new URL(environment['FANFARE_TWILIO_STATUS_CALLBACK'] ?? edge).origin
  webhooks.aim({ target: new URL(edge).origin, publicUrl })
}

function simulatorOptions({ host, adminPort }: Pick<SimulatorFlags, 'host' | 'adminPort'>): SimulatorOptions {
  return {
    ...(host === undefined ? {} : { host: { listen: '0.0.0.0', name: host } }),
    ...(adminPort === undefined ? {} : { ports: { admin: adminPort } }),
  }
}
