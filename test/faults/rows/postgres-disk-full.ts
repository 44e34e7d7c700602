/**
 * A database without room: first for the outcomes of calls that were made, then for anything new as well. Triggers in
 * the run's own database answer as Postgres does then.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../supervisor/bench.ts'
import { unplannedEnds, type FaultRow } from './fault-row.ts'
import { linesTold } from './told.ts'

/** Slow enough that calls are under way when their outcomes cannot be written any more. */
const latency = { kind: 'uniform', fromMs: 100, toMs: 400 } as const

export const postgresDiskFull: FaultRow = {
  name: 'postgres-disk-full',
  fault: 'Postgres answers disk full (53100)',
  run: async (bench) => {
    const { load, events, faultMs } = bench
    for (const provider of ['apns', 'twilio', 'sendgrid'] as const) {
      bench.simulator.faults.setBaseLatency(provider, latency)
    }
    const quarter = Math.floor(events / 4)
    await load.spread(quarter, faultMs / 6)
    await bench.query(makeFullFunction)
    await bench.query(refuseOutcomes)
    const complaints: string[] = []
    try {
      complaints.push(...(await outcomesWait(bench, quarter)))
      await bench.query(refuseEvents)
      complaints.push(...(await eventsWait(bench, quarter)))
    } finally {
      await bench.query(makeRoom)
    }
    await load.publish(Math.max(0, events - load.published()))
    return [...complaints, ...unplannedEnds(bench)]
  },
}

const makeFullFunction = `
  create function disk_full() returns trigger language plpgsql as $$
  begin
    raise exception 'could not extend file: no space left on device' using errcode = '53100';
  end $$`
/** What a settlement does, and a claim does not. */
const refuseOutcomes = `
  create trigger no_room before update on deliveries for each row
  when (old.state = 'claimed' and new.state <> 'claimed') execute function disk_full()`
const refuseEvents = `
  create trigger no_room before insert on notifications for each row execute function disk_full()`
/** The triggers go with their function. */
const makeRoom = `drop function disk_full() cascade`

/** Calls go out until nothing more may be open; what came of them is kept, and nothing is written or told. */
async function outcomesWait(bench: Bench, events: number): Promise<string[]> {
  const over = wait(bench.faultMs / 2)
  // A settlement that began before the trigger ends with it.
  const sentBefore = await sent(bench)
  await bench.load.spread(events, bench.faultMs / 4)
  await over
  const complaints = (await sent(bench)) === sentBefore ? [] : ['outcomes were written without room']
  const senders = bench.roles().filter(({ name }) => name.startsWith('sender-'))
  const told = linesTold(bench, /"stage":"settle".*"dependency":"postgres".*"code":"53100"/, senders)
  return [...complaints, ...(told > 0 ? [] : ['no sender says that Postgres is full'])]
}

async function eventsWait(bench: Bench, events: number): Promise<string[]> {
  const over = wait(bench.faultMs / 2)
  await bench.load.spread(events, bench.faultMs / 4)
  await over
  const waiting = await bench.lag('fanfare.router.bulk')
  const told = linesTold(bench, /"dependency":"postgres".*"code":"53100"/, [bench.role('router')])
  return [
    ...(waiting > 0 ? [] : ['nothing waited']),
    ...(told > 0 ? [] : ['the router does not say that Postgres is full']),
  ]
}

async function sent(bench: Bench): Promise<number> {
  const [row] = await bench.query<{ count: number }>(
    `select count(*)::integer as count from deliveries where state = 'sent'`,
  )
  return row?.count ?? 0
}
