/**
 * Replays arrivals through a consumer group and the scaling rule: what Prometheus scraped is what the rule sees, and
 * never the present moment. The seconds to drain are told by the members' own code.
 */
import { createDrainEstimate, type DrainEstimate } from '../../src/telemetry/drain-estimate.ts'
import { createAutoscaler, type Reading } from './autoscaler.ts'
import { createConsumerGroup, type GroupOptions, type GroupStep } from './consumer-group.ts'
import type { ScalingRule } from './scaling-rule.ts'

export interface ReplayOptions extends Omit<GroupOptions, 'members'> {
  rule: ScalingRule
  arrivalsPerSecond: readonly number[]
}

export interface Moment {
  arrivals: number
  committed: number
  lag: number
  ready: number
  /** What there are to be. */
  wanted: number
  /** As the query saw it last. */
  secondsToDrain: number
  waited: GroupStep['waited']
}

const scrapeEverySeconds = 15
/** The HPA's own, which is also how often it asks KEDA. */
const syncEverySeconds = 15
/** A scrape that a decision sees is on average half of its interval old. */
const syncOffsetSeconds = 7

/** One moment for each second. */
export function replay({ rule, arrivalsPerSecond, ...options }: ReplayOptions): Moment[] {
  const autoscaler = createAutoscaler(rule)
  const group = createConsumerGroup({ ...options, members: rule.minMembers })
  const prometheus = createPrometheus()
  let wanted = rule.minMembers
  return arrivalsPerSecond.map((arrivals, second) => {
    const { members, waited } = group.step(second, wanted, arrivals)
    prometheus.observe(second, members)
    if (second % scrapeEverySeconds === 0) prometheus.scrape(second)
    const reading = prometheus.read(second, rule)
    if (second % syncEverySeconds === syncOffsetSeconds) wanted = autoscaler.decide(second, wanted, reading)
    return {
      arrivals,
      committed: members.reduce((sum, each) => sum + each.committed, 0),
      lag: members.reduce((sum, each) => sum + each.lag, 0),
      ready: members.length,
      wanted,
      secondsToDrain: reading.secondsToDrain,
      waited,
    }
  })
}

interface Scrape {
  atSecond: number
  members: readonly { id: number; lag: number; callsInFlight: number; secondsToDrain: number }[]
}

function createPrometheus() {
  const scrapes: Scrape[] = []
  const estimateOf = new Map<number, DrainEstimate>()
  let nowMs = 0
  let present: GroupStep['members'] = []

  function estimate(id: number): DrainEstimate {
    const known = estimateOf.get(id) ?? createDrainEstimate(() => nowMs)
    estimateOf.set(id, known)
    return known
  }

  return {
    observe(atSecond: number, members: GroupStep['members']): void {
      nowMs = atSecond * 1_000
      for (const { id, lag, committed } of members) estimate(id).observe(lag, committed)
      present = members
    },
    scrape(atSecond: number): void {
      const members = present.map(({ id, lag, callsInFlight }) => {
        return { id, lag, callsInFlight, secondsToDrain: estimate(id).seconds() }
      })
      scrapes.push({ atSecond, members })
    },
    read(atSecond: number, { busy }: ScalingRule): Reading {
      const { members = [] } = scrapes.at(-1) ?? {}
      const windowSeconds = busy?.windowSeconds ?? scrapeEverySeconds
      const window = scrapes.filter((scrape) => scrape.atSecond > atSecond - windowSeconds)
      return {
        ready: members.length,
        lag: members.reduce((sum, { lag }) => sum + lag, 0),
        secondsToDrain: Math.max(0, ...members.map(({ secondsToDrain }) => secondsToDrain)),
        callsInFlight: members.map(({ id }) => averageCalls(window, id)),
      }
    },
  }
}

/** `avg_over_time`, of a member that is there now. */
function averageCalls(scrapes: readonly Scrape[], id: number): number {
  const own = scrapes.flatMap(({ members }) => members.find((member) => member.id === id)?.callsInFlight ?? [])
  return own.reduce((sum, calls) => sum + calls, 0) / own.length
}

/** How often the number of members turned round: up again after down, or down again after up. */
export function turns(moments: readonly Moment[]): number {
  const steps = moments
    .map(({ wanted }, index) => wanted - (moments[index - 1]?.wanted ?? wanted))
    .filter((step) => step !== 0)
  return steps.filter((step, index) => index > 0 && Math.sign(step) !== Math.sign(steps[index - 1] ?? step)).length
}

/** The longest that any record waited. */
export function longestWaitSeconds(moments: readonly Moment[]): number {
  return Math.max(0, ...moments.map(longestOf))
}

export function longestOf({ waited }: Pick<Moment, 'waited'>): number {
  return Math.max(0, ...waited.map(({ seconds }) => seconds))
}

/** Records that waited longer than so many seconds. */
export function waitedLonger(moments: readonly Moment[], thanSeconds: number): number {
  return moments
    .flatMap(({ waited }) => waited)
    .filter(({ seconds }) => seconds > thanSeconds)
    .reduce((sum, { records }) => sum + records, 0)
}
