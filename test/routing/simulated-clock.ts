/**
 * One clock for everything in a simulated run: this process, the scripts of Redis (which are told), and Postgres, whose
 * statements call a `now()` of a schema that stands before its own in the search path. The statements are the real ones.
 *
 * It goes forward only, and never behind the real one: Redis forgets keys by that.
 */
import { Client } from 'pg'
import { ensurePartitions } from '../../src/postgres/partitions.ts'
import type { TestDatabase } from '../support/database.ts'

export interface SimulatedClock {
  now(): number
  moveTo(at: number): Promise<void>
}

/** Connections that were opened before this have the real clock. */
export async function simulateClock(database: TestDatabase, startsAt: number): Promise<SimulatedClock> {
  let nowMs = startsAt
  const name = new URL(database.url).pathname.slice(1)
  await database.query('create schema simulation')
  await database.query('create table simulation.clock as select to_timestamp($1::double precision / 1000) as at', [
    nowMs,
  ])
  await database.query(
    `create function simulation.now() returns timestamptz language sql stable as 'select at from simulation.clock'`,
  )
  await makePartitions(database.url, startsAt)
  await database.query(`alter database ${name} set search_path = simulation, public, pg_catalog`)
  // Thousands of small commits, none of which anybody wants to keep.
  await database.query(`alter database ${name} set synchronous_commit = off`)
  return {
    now: () => nowMs,
    moveTo: async (at) => {
      if (at <= nowMs) return
      nowMs = at
      await database.query('update simulation.clock set at = to_timestamp($1::double precision / 1000)', [at])
    },
  }
}

async function makePartitions(url: string, at: number): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await ensurePartitions(client, { today: new Date(at).toISOString().slice(0, 10), daysBack: 3, daysAhead: 5 })
  } finally {
    await client.end()
  }
}
