/**
 * What a router has to make of the bench's events, said from the events alone, and in the form in which it is counted
 * afterwards. It shares no rule with the router: settings, caps and quiet hours are the plain arithmetic of this bench.
 */
import { personOf, peopleCount, type Person } from './people.ts'
import { categories, userCapPerHour, type BenchEvent, type CategoryName } from './workload.ts'

/** Counts by name; two outcomes are the same where every count is. */
export interface Outcome {
  /** Log rows, by decision and reason: `routed`, `deferred/over_cap`. */
  log: Record<string, number>
  /** Commands on the topics of the channels. */
  commands: Record<string, number>
  /** Records on the status topic, by status and reason. */
  statuses: Record<string, number>
  /** Rows that wait for their time. */
  scheduled: number
  /** Rows of deliveries. */
  deliveries: number
}

/** @param events in the order in which each person's were published. */
export function expectedOutcome(events: readonly BenchEvent[]): Outcome {
  const outcome: Outcome = { log: {}, commands: {}, statuses: {}, scheduled: 0, deliveries: 0 }
  const places = createPlaces()
  for (const each of events) {
    if (each.isRepeat) add(outcome.statuses, 'duplicate/repeated_id')
    else conclude(outcome, each, places)
  }
  return outcome
}

/** What differs, a sentence each. */
export function differences(expected: Outcome, found: Outcome): string[] {
  return (['log', 'commands', 'statuses', 'scheduled', 'deliveries'] as const).flatMap((part) => {
    const wanted = counts(part, expected[part])
    const had = counts(part, found[part])
    return [...new Set([...Object.keys(wanted), ...Object.keys(had)])]
      .filter((name) => (wanted[name] ?? 0) !== (had[name] ?? 0))
      .map((name) => `${name}: ${wanted[name] ?? 0} expected, ${had[name] ?? 0} found`)
  })
}

function counts(part: string, given: number | Record<string, number>): Record<string, number> {
  if (typeof given === 'number') return { [part]: given }
  return Object.fromEntries(Object.entries(given).map(([name, count]) => [`${part} ${name}`, count]))
}

function conclude(outcome: Outcome, { event, category }: BenchEvent, places: Places): void {
  if (event.sendAt !== null) return wait(outcome, 'send_at')
  if (event.userId > peopleCount) return end(outcome, 'failed/unknown_user')
  const person = personOf(event.userId)
  const plans = categories[category].channels.map((channel) => planOf(channel, category, person))
  const commands = plans.flatMap((plan) => (typeof plan === 'string' ? [] : plan))
  const suppressions = plans.filter((plan) => typeof plan === 'string')
  if (commands.length === 0) {
    add(outcome.log, `suppressed/${suppressions[0]}`)
    for (const reason of suppressions) add(outcome.statuses, `suppressed/${reason}`)
    return
  }
  if (person.quietNow) return wait(outcome, 'quiet_hours')
  if (!places.take(event.userId, category)) return wait(outcome, 'over_cap')
  end(outcome, 'routed')
  for (const channel of commands) add(outcome.commands, channel)
  for (const reason of suppressions) add(outcome.statuses, `suppressed/${reason}`)
  outcome.deliveries += commands.length
}

function wait(outcome: Outcome, reason: string): void {
  end(outcome, `deferred/${reason}`)
  outcome.scheduled += 1
}

function end(outcome: Outcome, words: string): void {
  add(outcome.log, words)
  add(outcome.statuses, words)
}

function add(to: Record<string, number>, name: string): void {
  to[name] = (to[name] ?? 0) + 1
}

/** The channels of the commands, or why there is none. */
function planOf(channel: 'push' | 'sms' | 'email', category: CategoryName, person: Person): string[] | string {
  switch (channel) {
    case 'push': {
      if (category === 'offers' && person.offersPushOff) return 'opted_out'
      const devices = [...Array(person.iosDevices).fill('ios'), ...Array(person.androidDevices).fill('android')]
      return devices.length === 0 ? 'no_address' : (devices as string[])
    }
    case 'sms':
      return person.hasPhone ? ['sms'] : 'no_address'
    case 'email':
      if (person.emailOff) return 'opted_out'
      if (!person.hasEmail) return 'no_address'
      return person.emailSuppressed ? 'address_suppressed' : ['email']
  }
}

interface Places {
  /** Whether there was one now. */
  take(userId: number, category: CategoryName): boolean
}

/**
 * All of it happens within minutes, so within one window of every cap: as many go now as the smallest limits say.
 * Places that are reserved take nobody's: they lie a window behind one that was taken.
 */
function createPlaces(): Places {
  const taken = new Map<string, number>()
  return {
    take: (userId, category) => {
      const own = `${userId} ${category}`
      const all = String(userId)
      const { capPerHour } = categories[category]
      const isFull = (taken.get(own) ?? 0) >= (capPerHour ?? Infinity) || (taken.get(all) ?? 0) >= userCapPerHour
      if (isFull) return false
      for (const key of [own, all]) taken.set(key, (taken.get(key) ?? 0) + 1)
      return true
    },
  }
}
