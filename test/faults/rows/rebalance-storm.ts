/**
 * Members that join and leave all the time, while records are routed, sends are in flight, and more of them wait in the
 * senders' queues than are sent: whoever keeps a partition keeps what waits there.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { RoleSpec } from '../supervisor/supervised-role.ts'
import { anotherOf, bulkRoles, unplannedEnds, type FaultRow } from './fault-row.ts'

const changeEveryMs = 5_000
const comers = ['router', 'sender-sms', 'sender-email', 'retry']
/** Of the providers. With two calls at a time, one sender is slower than the load and two are faster. */
const meanLatencyMs = 100
const fewPlaces = { FANFARE_SENDER_CONCURRENCY: '2' }

const withFewPlaces = (spec: RoleSpec): RoleSpec =>
  spec.command[0] === 'sender' ? { ...spec, environment: fewPlaces } : spec

export const rebalanceStorm: FaultRow = {
  name: 'rebalance-storm',
  fault: 'Rebalance storm: join or leave every 5 s',
  roles: bulkRoles.map(withFewPlaces),
  run: async (bench) => {
    const complaints: string[] = []
    for (const provider of ['apns', 'twilio', 'sendgrid'] as const) {
      bench.simulator.faults.setBaseLatency(provider, { kind: 'exponential', meanMs: meanLatencyMs })
    }
    for (const name of comers) bench.add(withFewPlaces(anotherOf(name, `${name}-comer`)))
    const changes = Math.ceil((2 * bench.faultMs) / changeEveryMs)
    // Before the load, which asks for chance in an order of its own.
    const changing = Array.from(
      { length: changes },
      () => comers[Math.floor(bench.random() * comers.length)] ?? 'router',
    )
    const load = bench.load.spread(bench.events, changes * changeEveryMs)
    for (const name of changing) {
      const changed = wait(changeEveryMs)
      const comer = bench.role(`${name}-comer`)
      if (comer.isRunning()) {
        const { code, signal } = await comer.terminate()
        if (code !== 0) complaints.push(`${name} ended with ${code ?? signal}`)
      } else {
        await comer.start()
      }
      await changed
    }
    await load
    return [...complaints, ...unplannedEnds(bench)]
  },
}
