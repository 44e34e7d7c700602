/**
 * Postgres: reachable, of a version that we know, migrated, with partitions ahead, and open to this user.
 */
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import { inspectDatabase, type DatabaseInspection } from '../../postgres/inspection.ts'
import { daysAheadMin } from '../../services/maintenance/maintain.ts'
import { clockFinding, readClock } from './clock-findings.ts'
import { fault, ok, unreachable, warning, type Finding } from './finding.ts'

/** The oldest that our statements run on: `DETACH PARTITION … CONCURRENTLY` came with it. */
const oldestMajorVersion = 14

export async function postgresFindings(url: string): Promise<Finding[]> {
  try {
    return await inspectDatabase(url, async ({ inspect, clock }) => [
      ...judgeDatabase(await inspect()),
      clockFinding('Postgres', await readClock(clock, Date.now)),
    ])
  } catch (error) {
    if (!(error instanceof DependencyUnavailable)) throw error
    return [unreachable('postgres', error, 'FANFARE_POSTGRES_URL')]
  }
}

export function judgeDatabase(database: DatabaseInspection): Finding[] {
  return [
    serverFinding(database),
    ...migrationFindings(database),
    ...partitionFindings(database),
    ...permissionFindings(database),
  ]
}

function serverFinding({ version, majorVersion, isPrimary }: DatabaseInspection): Finding {
  if (majorVersion < oldestMajorVersion) {
    return fault('postgres', `version ${version}`, `upgrade it to ${oldestMajorVersion} or newer`)
  }
  if (!isPrimary) {
    return fault('postgres', `version ${version}, a standby`, 'let FANFARE_POSTGRES_URL lead to the primary')
  }
  return ok('postgres', `version ${version}, the primary`)
}

function migrationFindings({ missingMigrations: missing }: DatabaseInspection): Finding[] {
  if (missing.length === 0) return [ok('migrations', 'all of this version have run')]
  return [fault('migrations', `not run: ${missing.join(', ')}`, 'fanfare migrate')]
}

function partitionFindings({ daysAhead }: DatabaseInspection): Finding[] {
  if (daysAhead === undefined) return []
  const what = `events have their partitions for ${daysAhead} days ahead`
  if (daysAhead >= daysAheadMin) return [ok('partitions', what)]
  return [fault('partitions', what, 'fanfare maintain, and look why no scheduler does it')]
}

function permissionFindings({ forbidden, mayMaintain }: DatabaseInspection): Finding[] {
  const findings: Finding[] = forbidden.map((what) =>
    fault('permissions', `this user of Postgres has no ${what}`, `grant ${what} to it`),
  )
  if (!mayMaintain) {
    findings.push(
      warning(
        'permissions',
        'this user of Postgres may not make partitions',
        'let the scheduler and fanfare migrate use the user that owns the tables',
      ),
    )
  }
  return findings.length > 0
    ? findings
    : [ok('permissions', 'this user of Postgres may do what routers, senders, feedback and the scheduler do')]
}
