/**
 * `fanfare simulator`: the providers on this machine for as long as the command runs.
 *
 * The option is not called `--env-file`, because Node takes that one for itself wherever it stands.
 */
import { join } from 'node:path'
import { Command } from 'commander'
import { startSimulator } from '../local/simulator/simulator.ts'
import { writeEnvironmentFile } from './environment-file.ts'
import { aborted, shutdownSignal } from './shutdown-signal.ts'

const defaultEnvironmentFile = join(import.meta.dirname, '../../.fanfare/simulator.env')

export function simulatorCommand(): Command {
  return new Command('simulator')
    .description('run stand-ins for APNs, FCM, Twilio and SendGrid on this machine until interrupted')
    .option(
      '--environment-file <path>',
      'where addresses and credentials for the senders are written',
      defaultEnvironmentFile,
    )
    .addHelpText(
      'after',
      '\nExample, in two terminals:\n  fanfare simulator\n  set -a; . .fanfare/simulator.env; fanfare sender --channel sms --lane bulk',
    )
    .action(async ({ environmentFile }: { environmentFile: string }) => {
      const signal = shutdownSignal()
      const simulator = await startSimulator()
      try {
        writeEnvironmentFile(environmentFile, simulator.environment)
        process.stdout.write(`ready: set -a; . ${environmentFile}\nledger and faults: ${simulator.adminUrl}\n`)
        await aborted(signal)
      } finally {
        await simulator.stop()
      }
    })
}
