/**
 * A consumer group in steps of a second: partitions that fill, members that work off those assigned to them, and
 * rebalances in which nobody works. Pure.
 */
export const partitions = 12

export interface GroupOptions {
  members: number
  /** What a member does in a second at its limit. */
  memberPerSecond: number
  /** From the decision for a member to its joining: the pod is scheduled, started, and joins. */
  startSeconds: number
  /** How long nobody works when somebody comes or goes. */
  rebalanceSeconds: number
  /** Calls that a member has under way at its limit. */
  concurrency: number
}

export interface MemberStep {
  /** No later member gets it again. */
  id: number
  lag: number
  committed: number
  callsInFlight: number
}

export interface GroupStep {
  members: readonly MemberStep[]
  /** What was worked off in this second, by how long it had waited. */
  waited: readonly { seconds: number; records: number }[]
}

export interface ConsumerGroup {
  /** Lets members come and go, new records arrive, and everybody work for a second. */
  step(atSecond: number, wanted: number, arrivals: number): GroupStep
}

interface Waiting {
  sinceSecond: number
  records: number
}

export function createConsumerGroup(options: GroupOptions): ConsumerGroup {
  const { memberPerSecond, startSeconds, rebalanceSeconds, concurrency } = options
  const queues: Waiting[][] = Array.from({ length: partitions }, () => [])
  let nextId = 0
  const newId = () => (nextId += 1)
  let ids = Array.from({ length: options.members }, newId)
  let starting: { readyAtSecond: number }[] = []
  let rebalancedAtSecond = -Infinity

  function changeMembers(atSecond: number, wanted: number): void {
    const arrived = starting.filter(({ readyAtSecond }) => readyAtSecond <= atSecond)
    starting = starting.filter(({ readyAtSecond }) => readyAtSecond > atSecond)
    const before = ids.length
    ids = [...ids, ...arrived.map(newId)].slice(0, wanted)
    if (arrived.length > 0 || ids.length !== before) rebalancedAtSecond = atSecond
    // What is not ready yet goes first.
    starting = starting.slice(0, Math.max(0, wanted - ids.length))
    while (ids.length + starting.length < wanted) starting.push({ readyAtSecond: atSecond + startSeconds })
  }

  /** As much as a member can, the oldest of its partitions first; what it did is added to `waited`. */
  function work(own: readonly Waiting[][], atSecond: number, waited: { seconds: number; records: number }[]): number {
    let left = memberPerSecond
    for (const queue of own.toSorted((a, b) => (a[0]?.sinceSecond ?? Infinity) - (b[0]?.sinceSecond ?? Infinity))) {
      while (left > 0 && queue[0] !== undefined) {
        const records = Math.min(left, queue[0].records)
        waited.push({ seconds: atSecond - queue[0].sinceSecond, records })
        queue[0].records -= records
        left -= records
        if (queue[0].records === 0) queue.shift()
      }
    }
    return memberPerSecond - left
  }

  return {
    step(atSecond, wanted, arrivals) {
      changeMembers(atSecond, wanted)
      for (const queue of queues)
        if (arrivals > 0) queue.push({ sinceSecond: atSecond, records: arrivals / partitions })
      const rebalancing = atSecond < rebalancedAtSecond + rebalanceSeconds
      const waited: { seconds: number; records: number }[] = []
      const members = ids.map((id, index) => {
        const own = queues.filter((_, partition) => partition % ids.length === index)
        const committed = rebalancing ? 0 : work(own, atSecond, waited)
        const lag = own.flat().reduce((sum, { records }) => sum + records, 0)
        return { id, lag, committed, callsInFlight: (committed / memberPerSecond) * concurrency }
      })
      return { members, waited }
    },
  }
}
