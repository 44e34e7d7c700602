/**
 * One provider in every kind of trouble at once: each kind comes to its own end over its own rung, the provider's other
 * addresses keep flowing, and the other channels notice nothing.
 *
 * Three stretches of load at one rate: a first one that warms everything up, a quiet one to compare with, and the
 * trouble.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../supervisor/bench.ts'
import { readStories, type Story } from './delivery-stories.ts'
import { bulkRoles, unplannedEnds, type FaultRow } from './fault-row.ts'
import { judgeKind, judgeUntroubled, type Window } from './provider-trouble-verdict.ts'
import { slowMs, troubleKinds, type TroubleKind } from './provider-trouble-kinds.ts'
import { judgeLatency } from './unmoved-latency.ts'

/** About twice as many as hang at the same time under this load: so many are lost to the healthy. */
const smsConcurrency = 60
/** Longer than a rung, so that what lasts as long is met a second time. */
const troubleLeastMs = 15_000
/** Shares of the events and, so that the rate is one, of the time: the quiet stretch is half as long as the trouble. */
const shares = { warmUp: 0.1, quiet: 0.3, trouble: 0.6 }
/** Of the provider in trouble. */
const answerTimeoutMs = 3_000
/** What climbs to the rung of a minute is back after 66 s. */
const settleLimitMs = 90_000
const heldEachKind = 6
const holdCategory = 'receipt'

export const providerTrouble: FaultRow = {
  name: 'provider-trouble',
  fault: 'Provider: 429 + Retry-After, 5xx burst, time-out, hang, accept then reset, slow tail',
  alone: true,
  roles: bulkRoles.map((role) =>
    role.name === 'sender-sms'
      ? {
          ...role,
          environment: {
            FANFARE_SENDER_CONCURRENCY: String(smsConcurrency),
            FANFARE_TWILIO_TIMEOUT_MS: String(answerTimeoutMs),
          },
        }
      : role,
  ),
  run: async (bench) => {
    const { events, faultMs, load } = bench
    const troubleMs = Math.max(faultMs, troubleLeastMs)
    const stretch = (share: number) => load.spread(Math.floor(events * share), (troubleMs * share) / shares.trouble)
    bench.schedule.answerTimeoutMs = answerTimeoutMs
    await prepareHold(bench)
    await stretch(shares.warmUp)
    await bench.untilSettled(settleLimitMs)
    const quietFromMs = Date.now()
    await stretch(shares.quiet)
    const troubleFromMs = Date.now()
    const windows = beginTrouble(bench, troubleMs)
    await publishToHold(bench)
    await load.spread(events - load.published(), troubleMs)
    const metBy = await windows
    const isAtRest = await bench.untilSettled(settleLimitMs)
    const stories = await readStories(bench)
    const isQuiet = ({ createdAtMs }: Story) => createdAtMs >= quietFromMs && createdAtMs < troubleFromMs
    const isTroubled = ({ createdAtMs }: Story) => createdAtMs >= troubleFromMs
    return [
      ...(isAtRest ? [] : [`deliveries were not at rest ${settleLimitMs} ms after the load`]),
      ...troubleKinds.flatMap((kind) =>
        judgeKind(kind, { window: metBy.get(kind) ?? [0, 0], stories, timeoutMs: bench.schedule.answerTimeoutMs }),
      ),
      ...judgeUntroubled(stories),
      ...judgeLatency(stories.filter(isQuiet), stories.filter(isTroubled)),
      ...judgePlaces(metBy, stories, bench),
      ...unplannedEnds(bench),
    ]
  },
}

async function prepareHold({ query }: Bench): Promise<void> {
  await query(
    `insert into categories (name, lane, channels, time_to_live_seconds, template_id, unknown_policy)
     values ('${holdCategory}', 'bulk', '{sms}', 7200, 'news', 'hold')`,
  )
}

/** A few of the ambiguous kinds whose policy is to ask a person; the others are sent again. */
async function publishToHold({ load }: Bench): Promise<void> {
  const ambiguous = troubleKinds.filter(({ follows }) => follows.kind === 'again' && follows.status === 'unknown')
  await load.publishEvents(
    ambiguous.flatMap(({ digit }) =>
      Array.from({ length: heldEachKind }, (_, at) =>
        load.message({ category: holdCategory, channels: ['sms'], userId: 10 * at + Number(digit) }),
      ),
    ),
  )
}

/** Begins every kind at once and ends each at its time. Resolves when all are over. */
async function beginTrouble({ simulator }: Bench, troubleMs: number): Promise<Map<TroubleKind, Window>> {
  const { faults, ledger } = simulator
  const after = ledger.summary().total
  const windows = new Map<TroubleKind, Window>()
  let open = [...troubleKinds]
  let elapsedMs = 0
  while (open.length > 0) {
    faults.clear('twilio')
    faults.add(...open.map(({ digit, fault }) => ({ provider: 'twilio' as const, match: { address: digit }, fault })))
    const nextMs = Math.min(...open.map(({ lastsMs }) => lastsMs ?? troubleMs))
    await wait(nextMs - elapsedMs)
    elapsedMs = nextMs
    const over = open.filter(({ lastsMs }) => (lastsMs ?? troubleMs) === nextMs)
    open = open.filter((kind) => !over.includes(kind))
    // In the same step in which its rules end: the simulator is of this process.
    for (const kind of over) windows.set(kind, [after, ledger.summary().total])
  }
  faults.clear('twilio')
  return windows
}

/** Of the SMS sender's places: fewer that hang would be no trouble to the healthy. */
const hangingMin = 10

/** Calls that hung did so side by side, and the tail was slow. */
function judgePlaces(metBy: ReadonlyMap<TroubleKind, Window>, stories: readonly Story[], bench: Bench): string[] {
  const { answerTimeoutMs } = bench.schedule
  const silent = troubleKinds.filter(({ follows }) => follows.kind === 'again' && follows.silent === true)
  const begins = silent.flatMap((kind) => {
    const [after, upTo] = metBy.get(kind) ?? [0, 0]
    return stories
      .filter(({ channel, address }) => channel === 'sms' && address.endsWith(kind.digit))
      .flatMap(({ calls }) => calls.filter(({ sequence }) => sequence > after && sequence <= upTo))
      .map(({ receivedAtMs }) => receivedAtMs)
  })
  const hanging = Math.max(
    ...begins.map((atMs) => begins.filter((begin) => begin <= atMs && begin > atMs - answerTimeoutMs).length),
  )
  say(`of ${smsConcurrency} places for calls up to ${hanging} hung at a time`)
  const isSlow = stories.some(({ calls }) =>
    calls.some(
      ({ receivedAtMs, answeredAtMs, address }) =>
        address.endsWith('7') && (answeredAtMs ?? 0) - receivedAtMs >= slowMs,
    ),
  )
  return [
    ...(hanging >= hangingMin ? [] : [`only ${hanging} calls hung at a time`]),
    ...(isSlow ? [] : ['the slow tail was not slow']),
  ]
}

function say(line: string): void {
  process.stdout.write(`        ${line}\n`)
}
