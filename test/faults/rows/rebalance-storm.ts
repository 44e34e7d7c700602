/** Members that join and leave all the time, while records are routed and sends are in flight. */
import { setTimeout as wait } from 'node:timers/promises'
import { anotherOf, unplannedEnds, type FaultRow } from './fault-row.ts'

const changeEveryMs = 5_000
const comers = ['router', 'sender-sms', 'sender-email', 'retry']

export const rebalanceStorm: FaultRow = {
  name: 'rebalance-storm',
  fault: 'Rebalance storm: join or leave every 5 s',
  run: async (bench) => {
    const complaints: string[] = []
    for (const provider of ['apns', 'twilio', 'sendgrid'] as const) {
      bench.simulator.faults.setBaseLatency(provider, { kind: 'exponential', meanMs: 100 })
    }
    for (const name of comers) bench.add(anotherOf(name, `${name}-comer`))
    const changes = Math.ceil((2 * bench.faultMs) / changeEveryMs)
    const load = bench.load.spread(bench.events, changes * changeEveryMs)
    for (let change = 0; change < changes; change += 1) {
      const changed = wait(changeEveryMs)
      const name = comers[Math.floor(bench.random() * comers.length)] ?? 'router'
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
