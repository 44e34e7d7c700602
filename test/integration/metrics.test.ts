import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { channels, lanes, requestChannels } from '../../src/domain/channel.ts'
import { claimActions } from '../../src/domain/claim.ts'
import { statuses } from '../../src/domain/delivery-status.ts'
import { poisonReasons, statusReasons } from '../../src/domain/reason.ts'
import { retryRungs } from '../../src/domain/topic-names.ts'
import { eventually } from '../support/eventually.ts'
import { arrangeMixedLoad } from '../support/mixed-load.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'
import type { RoleProcess } from '../support/role-process.ts'
import { readSeries, type Series } from '../support/scraped.ts'

/**
 * Of one process that runs every role after everything has happened; one role has a fraction of it. Prometheus holds
 * some ten million, so a hundred such processes are nothing to it. What grows beyond has got an open label.
 */
const seriesMax = 2_500

let pipeline: Pipeline
let everything: RoleProcess
let series: Series[]

before(async () => {
  pipeline = await startPipeline()
  const load = await arrangeMixedLoad(pipeline)
  everything = await pipeline.start(['all'])
  for (let wave = 0; wave < 3; wave += 1) await load.wave()
  await eventually(async () => {
    series = await scrape()
    return valueOf('fanfare_resumptions_total') >= 3 ? undefined : 'what waited has not come back'
  })
  await pipeline.untilSettled()
  await eventually(async () => {
    series = await scrape()
    return valueOf('fanfare_consumer_lag_messages', notWaiting) === 0 ? undefined : 'there is lag left'
  })
})
afterEach((context) => pipeline.showLogs(context))
after(() => pipeline.stop())

async function scrape(): Promise<Series[]> {
  return readSeries((await everything.admin('/metrics')).body)
}

/** What waits on the ladder is lag until it is due. */
const notWaiting = ({ labels }: Series) => !labels['group']?.includes('.retry.')

/** Summed over the series of the name. */
function valueOf(name: string, isMeant: (series: Series) => boolean = () => true): number {
  return series.filter((each) => each.name === name && isMeant(each)).reduce((sum, { value }) => sum + value, 0)
}

const of = (labels: Readonly<Record<string, string>>) => (each: Series) =>
  Object.entries(labels).every(([name, value]) => each.labels[name] === value)

describe('the metrics of a pipeline under load', () => {
  test('have a label only from a closed list of words, whatever the requests said', () => {
    const { topics } = pipeline
    const words = (list: readonly string[]) => (value: string) => list.includes(value)
    // No id, address or name of theirs looks like this; how many there are is bounded below.
    const ourWord = (value: string) => /^[a-z]+(_[a-z]+){0,4}$/.test(value)
    const number = (value: string) => value === '+Inf' || Number.isFinite(Number(value))
    const groupForm = new RegExp(`^${topics.group('').replaceAll('.', '\\.')}[a-z]+(\\.[a-z]+){0,2}$`)
    const allowed: Record<string, (value: string) => boolean> = {
      group: (value) => groupForm.test(value),
      topic: words(topics.all()),
      channel: words([...channels, ...requestChannels]),
      lane: words(lanes),
      rung: words(retryRungs.map(({ name }) => name)),
      status: (value) => words(statuses)(value) || /^[1-5]\d\d$/.test(value),
      reason: words([
        '',
        ...statusReasons,
        ...poisonReasons,
        'bad_header',
        'no_row',
        'data_error',
        'internal_error',
        'queue',
        'fault',
        'not_due',
        'stopping',
      ]),
      action: words(claimActions),
      provider: words(['apns', 'fcm', 'twilio', 'sendgrid']),
      outcome: ourWord,
      kind: ourWord,
      about: ourWord,
      cause: ourWord,
      dependency: words(['kafka', 'registry', 'postgres', 'redis']),
      result: words(['hit', 'miss']),
      operation: words(['read', 'store', 'reserve', 'release']),
      pool: words(['hot_path', 'maintenance', 'edge']),
      state: words(['busy', 'idle']),
      role: words(['all']),
      version: (value) => /^\d+\.\d+\.\d+$/.test(value),
      node_version: (value) => /^v\d+\.\d+\.\d+$/.test(value),
      le: number,
      quantile: number,
    }
    const own = series.filter(({ name }) => !/^fanfare_(process|nodejs)_/.test(name))
    for (const { name, labels } of own) {
      for (const [label, value] of Object.entries(labels)) {
        assert.ok(allowed[label] !== undefined, `${name} has a label ${label} that no list closes`)
        assert.ok(allowed[label](value), `${name}: ${label} is ${value}`)
      }
    }
  })

  test('are bounded in number', (t) => {
    t.diagnostic(`${series.length} series`)
    assert.ok(series.length < seriesMax, `${series.length} series`)
  })

  test('tell of a group whose lag is drained, and who owns its partitions', () => {
    for (const lane of lanes) {
      const router = of({ group: pipeline.topics.group('router', lane) })
      assert.equal(valueOf('fanfare_consumer_assigned_partitions', router), 12)
      assert.equal(valueOf('fanfare_consumer_seconds_to_drain', router), 0)
      assert.equal(valueOf('fanfare_consumer_queued_records', router), 0)
      assert.equal(valueOf('fanfare_consumer_in_flight_records', router), 0)
      assert.equal(valueOf('fanfare_consumer_oldest_unprocessed_timestamp_seconds', router), 0)
      const counted = ['fanfare_consumer_consumed_records_total', 'fanfare_consumer_committed_records_total']
      const [consumed, committed] = counted.map((name) => valueOf(name, router))
      assert.equal(consumed, committed)
    }
  })

  test('tell of what waits on the ladder as lag that is not to be drained', () => {
    const retry = of({ group: pipeline.topics.group('retry', 'transactional') })
    assert.ok(valueOf('fanfare_consumer_lag_messages', retry) > 0)
    assert.equal(valueOf('fanfare_consumer_seconds_to_drain', retry), 0)
    assert.ok(valueOf('fanfare_consumer_paused_partitions', of({ reason: 'not_due' })) > 0)
    assert.ok(valueOf('fanfare_retries_total', of({ channel: 'sms', lane: 'transactional', rung: '10s' })) > 0)
  })

  test('count what was dead-lettered, deferred, cached and refused, each by why', () => {
    assert.equal(valueOf('fanfare_dead_letters_total', of({ reason: 'not_avro' })), 3)
    assert.equal(valueOf('fanfare_deferrals_total', of({ reason: 'send_at' })), 3)
    assert.ok(valueOf('fanfare_deferrals_total', of({ reason: 'over_cap' })) > 0)
    assert.ok(valueOf('fanfare_profile_cache_reads_total', of({ result: 'hit' })) > 0)
    assert.equal(valueOf('fanfare_provider_calls_total', of({ outcome: 'rejected', reason: 'unregistered' })), 3)
    assert.equal(valueOf('fanfare_requests_wrong_lane_total'), 3)
    assert.equal(valueOf('fanfare_requests_foreign_key_total'), 3)
  })

  test('measure each delivery from when its time had come: what waited on purpose is not late by that', () => {
    const sent = valueOf('fanfare_provider_calls_total', of({ outcome: 'accepted' }))
    assert.equal(valueOf('fanfare_end_to_end_latency_seconds_count'), sent)
    for (const provider of ['apns', 'fcm', 'twilio', 'sendgrid']) {
      assert.ok(valueOf('fanfare_provider_call_duration_seconds_count', of({ provider })) > 0, provider)
    }
  })

  test('know how long the days’ partitions reach, when was last looked for what is due, and the connections', () => {
    const daysAhead = (valueOf('fanfare_day_partitions_until_timestamp_seconds') - Date.now() / 1_000) / 86_400
    assert.ok(daysAhead > 7.9 && daysAhead < 9.1, `${daysAhead} days`)
    for (const lane of lanes) {
      const agoSeconds = Date.now() / 1_000 - valueOf('fanfare_scheduler_last_look_timestamp_seconds', of({ lane }))
      assert.ok(agoSeconds < 60, `${agoSeconds} s ago`)
    }
    assert.ok(valueOf('fanfare_postgres_connections', of({ pool: 'hot_path' })) > 0)
    assert.equal(valueOf('fanfare_stuck_deliveries'), 0)
  })
})
