/**
 * The processes that a deployment must run: every role that `fanfare` has, once for each lane and channel that its flags
 * ask for. What this finds, manifests and docker-compose.yml are compared with.
 */
import { programs } from '../../../src/cli/programs.ts'
import { channels, lanes, type Channel, type Lane } from '../../../src/domain/channel.ts'
// All programs are loaded into one process here, and the mended client insists on being the first to load kafkajs.
import '../../../src/kafka/kafkajs.ts'

export interface ExpectedProcess {
  role: string
  channel?: Channel
  lane?: Lane
}

/** For a laptop: in a deployment it would be everything twice. */
const rolesOfOneProcess = ['all']

export async function expectedProcesses(): Promise<ExpectedProcess[]> {
  const roles = Object.entries(programs).filter(
    ([name, { kind }]) => kind === 'role' && !rolesOfOneProcess.includes(name),
  )
  const processes = await Promise.all(
    roles.map(async ([role, { load }]) => {
      const flags = (await load()).options.map(({ long }) => long)
      const perChannel = flags.includes('--channel') ? channels.map((channel) => ({ role, channel })) : [{ role }]
      return flags.includes('--lane')
        ? perChannel.flatMap((each) => lanes.map((lane) => ({ ...each, lane })))
        : perChannel
    }),
  )
  return processes.flat()
}

/** `sender-sms-bulk` */
export function processName({ role, channel, lane }: ExpectedProcess): string {
  return [role, channel, lane].filter((word) => word !== undefined).join('-')
}
