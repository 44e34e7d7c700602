/** A rolling restart of every role under load, as a deployment makes it: the new process comes before the old one goes. */
import { anotherOf, bulkRoles, unplannedEnds, type FaultRow } from './fault-row.ts'

const drainLimitMs = 30_000

export const rollingRestart: FaultRow = {
  name: 'rolling-restart',
  fault: 'Rolling restart of every role under load (SIGTERM)',
  run: async (bench) => {
    const complaints: string[] = []
    // Providers that take their time: there is something to drain whenever a sender is asked to end.
    for (const provider of ['apns', 'twilio', 'sendgrid'] as const) {
      bench.simulator.faults.setBaseLatency(provider, { kind: 'exponential', meanMs: 150 })
    }
    const load = bench.load.spread(bench.events, bench.faultMs)
    for (const { name } of bulkRoles) {
      const successor = bench.add(anotherOf(name, `${name}-successor`))
      await successor.start()
      const { code, signal, elapsedMs } = await bench.role(name).terminate()
      if (code !== 0) complaints.push(`${name} ended with ${code ?? signal}`)
      if (elapsedMs > drainLimitMs) complaints.push(`${name} took ${Math.round(elapsedMs)} ms to end`)
    }
    await load
    return [...complaints, ...unplannedEnds(bench)]
  },
}
