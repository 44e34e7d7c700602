import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clockFinding, clockSkewMaxMs, readClock } from '../../../src/cli/doctor/clock-findings.ts'
import { findingText, fault, ok, unreachable } from '../../../src/cli/doctor/finding.ts'
import { judgeDatabase } from '../../../src/cli/doctor/postgres-findings.ts'
import { providerFindings } from '../../../src/cli/doctor/provider-findings.ts'
import { judgeRedis } from '../../../src/cli/doctor/redis-findings.ts'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import type { DatabaseInspection } from '../../../src/postgres/inspection.ts'

const aDatabase = (given: Partial<DatabaseInspection> = {}): DatabaseInspection => ({
  version: '18.4',
  majorVersion: 18,
  isPrimary: true,
  missingMigrations: [],
  daysAhead: 8,
  forbidden: [],
  mayMaintain: true,
  ...given,
})

const notOk = (given: Partial<DatabaseInspection>) =>
  judgeDatabase(aDatabase(given))
    .filter(({ level }) => level !== 'ok')
    .map(({ check, level, what }) => `${level} ${check}: ${what}`)

describe('the doctor', () => {
  test('has nothing to say against a database that is as it should be', () => {
    assert.deepEqual(notOk({}), [])
  })

  test('names what a database lacks', () => {
    assert.deepEqual(notOk({ majorVersion: 13, version: '13.2' }), ['fault postgres: version 13.2'])
    assert.deepEqual(notOk({ isPrimary: false }), ['fault postgres: version 18.4, a standby'])
    assert.deepEqual(notOk({ missingMigrations: ['0009-doors'], daysAhead: undefined }), [
      'fault migrations: not run: 0009-doors',
    ])
    assert.deepEqual(notOk({ daysAhead: 2 }), ['fault partitions: events have their partitions for 2 days ahead'])
    assert.deepEqual(notOk({ daysAhead: 3 }), [])
    assert.deepEqual(notOk({ forbidden: ['update on deliveries'], mayMaintain: false }), [
      'fault permissions: this user of Postgres has no update on deliveries',
      'warning permissions: this user of Postgres may not make partitions',
    ])
  })

  test('wants a Redis that is the primary and keeps what it is given', () => {
    const redis = { version: '7.0', isPrimary: true, evictionPolicy: 'noeviction' }
    assert.equal(judgeRedis(redis).level, 'ok')
    assert.equal(judgeRedis({ ...redis, evictionPolicy: 'allkeys-lru' }).level, 'fault')
    assert.equal(judgeRedis({ ...redis, evictionPolicy: undefined }).level, 'warning')
    assert.equal(judgeRedis({ ...redis, isPrimary: false }).level, 'fault')
  })

  test('takes a clock for wrong only where the round trip cannot explain it', () => {
    const level = (aheadMs: number, uncertaintyMs: number) => clockFinding('Redis', { aheadMs, uncertaintyMs }).level
    assert.equal(level(clockSkewMaxMs, 0), 'ok')
    assert.equal(level(clockSkewMaxMs + 1, 0), 'fault')
    assert.equal(level(-clockSkewMaxMs - 1, 0), 'fault')
    assert.equal(level(clockSkewMaxMs + 100, 100), 'ok')
    assert.match(clockFinding('Postgres', { aheadMs: -90_000, uncertaintyMs: 1 }).what, /90\.00 s behind this machine/)
  })

  test('reads a clock several times and believes the quickest answer', async () => {
    let nowMs = 0
    const tripsMs = [400, 20, 300, 500, 100]
    const reading = await readClock(
      () => {
        nowMs += tripsMs.shift() ?? 0
        // Asked at the end of the trip there, half of the way before the answer is in.
        return Promise.resolve(nowMs - 10 + 5_000)
      },
      () => nowMs,
    )
    assert.deepEqual(reading, { aheadMs: 5_000, uncertaintyMs: 10 })
  })

  test('tells a provider that is half configured from one that others look after', () => {
    const levels = (environment: Record<string, string>) =>
      Object.fromEntries(providerFindings(environment).map(({ what, level }) => [what.split(':')[0], level]))
    assert.deepEqual(levels({}), { ios: 'warning', android: 'warning', sms: 'warning', email: 'warning' })
    const sendgrid = { FANFARE_SENDGRID_API_KEY: 'SG.key', FANFARE_SENDGRID_FROM: 'shop@example.com' }
    assert.equal(levels(sendgrid)['email'], 'ok')
    assert.equal(levels({ ...sendgrid, FANFARE_SENDGRID_FROM: 'nobody' })['email'], 'fault')
    assert.doesNotMatch(JSON.stringify(providerFindings({ FANFARE_SENDGRID_API_KEY: 'hush' })), /hush/)
  })

  test('tells a broker that refuses from one that is away', () => {
    const refused = unreachable('kafka', new DependencyUnavailable('kafka', 'CLUSTER_AUTHORIZATION_FAILED'), 'X')
    assert.deepEqual([refused.check, refused.level], ['permissions', 'fault'])
    const away = unreachable('kafka', new DependencyUnavailable('kafka', 'KafkaJSConnectionError'), 'FANFARE_X')
    assert.match(`${away.what} ${away.fix}`, /KafkaJSConnectionError.*FANFARE_X/)
  })

  test('says how to mend what it finds, below it', () => {
    assert.equal(findingText(ok('redis', 'fine')), 'ok       redis        fine\n')
    assert.equal(
      findingText(fault('topics', 'x: missing', 'fanfare topics apply')),
      'fault    topics       x: missing\n                      → fanfare topics apply\n',
    )
  })
})
