/**
 * How Kubernetes decides the number of members: the triggers' values as Prometheus and the broker give them, the
 * proposal of each, the largest of them, and what the windows and policies of the HPA leave of it. Pure; the clock and
 * the readings are arguments.
 *
 * After kubernetes.io, "Horizontal Pod Autoscaling", and KEDA's scalers `prometheus` and `kafka`.
 */
import { partitions } from './consumer-group.ts'
import type { ScalingRule } from './scaling-rule.ts'

/** What is read at one moment. */
export interface Reading {
  /** Members that are ready. */
  ready: number
  lag: number
  /** Of the slowest member. */
  secondsToDrain: number
  /** Of each ready member, averaged over the trigger's window. */
  callsInFlight: readonly number[]
}

export interface Autoscaler {
  /**
   * @param members how many there are to be so far
   * @returns how many there are to be from now on
   */
  decide(atSecond: number, members: number, reading: Reading): number
}

/** The HPA leaves a deviation of a tenth alone (`--horizontal-pod-autoscaler-tolerance`). */
const tolerance = 0.1

export function createAutoscaler(rule: ScalingRule): Autoscaler {
  const proposals: { atSecond: number; members: number }[] = []
  const changes: { atSecond: number; by: number }[] = []

  /** The windows: up to no more than every proposal of the one, down to no less than any proposal of the other. */
  function stabilised(atSecond: number, members: number): number {
    const within = (seconds: number) =>
      proposals
        .filter((each) => each.atSecond > atSecond - seconds || each.atSecond === atSecond)
        .map((each) => each.members)
    const risesTo = Math.min(...within(rule.up.windowSeconds))
    const fallsTo = Math.max(...within(rule.down.windowSeconds))
    return Math.min(Math.max(members, risesTo), fallsTo)
  }

  /** The policies: so much in a period, counted from what there was at its beginning. */
  function limited(atSecond: number, members: number, wanted: number): number {
    const atBeginning = (periodSeconds: number) =>
      changes.filter((each) => each.atSecond > atSecond - periodSeconds).reduce((count, { by }) => count - by, members)
    const most = Math.ceil(atBeginning(rule.up.periodSeconds) * (1 + rule.up.percent / 100))
    const least = atBeginning(rule.down.periodSeconds) - rule.down.members
    if (wanted > members) return Math.max(members, Math.min(wanted, most))
    return Math.min(members, Math.max(wanted, least))
  }

  return {
    decide(atSecond, members, reading) {
      const largest = Math.max(...proposalsOf(rule, members, reading))
      const proposed = Math.min(rule.maxMembers, Math.max(rule.minMembers, largest))
      proposals.push({ atSecond, members: proposed })
      const decided = limited(atSecond, members, stabilised(atSecond, members))
      if (decided !== members) changes.push({ atSecond, by: decided - members })
      return decided
    },
  }
}

function proposalsOf(rule: ScalingRule, members: number, reading: Reading): number[] {
  return [
    drainProposal(rule, members, reading),
    lagProposal(rule, members, reading),
    busyProposal(rule, members, reading),
  ]
}

/** Metric type Value: what there is, times how far it is from the target. */
function drainProposal({ drain }: ScalingRule, members: number, { ready, secondsToDrain }: Reading): number {
  const ratio = secondsToDrain / drain.targetSeconds
  return Math.abs(1 - ratio) <= tolerance ? members : Math.ceil(ready * ratio)
}

/** KEDA rounds up to a number of members that share the partitions evenly, and not beyond them. */
function lagProposal(rule: ScalingRule, members: number, { lag }: Reading): number {
  const { recordsPerMember } = rule.lag
  const wanted = Math.min(partitions, Math.ceil(lag / recordsPerMember))
  const even = Array.from({ length: partitions }, (_, index) => index + 1).filter((count) => partitions % count === 0)
  const rounded = wanted === 0 ? 0 : (even.find((count) => count >= wanted) ?? partitions)
  return averaged(members, rounded * recordsPerMember, recordsPerMember)
}

function busyProposal({ busy }: ScalingRule, members: number, { callsInFlight }: Reading): number {
  if (busy === null) return 0
  const { callsPerMember } = busy
  const atWork = callsInFlight.reduce((sum, calls) => sum + Math.min(calls, callsPerMember), 0) / callsPerMember
  const sharingEvenly = partitions / Math.floor(partitions / Math.max(atWork, 1))
  return averaged(members, Math.min(sharingEvenly, callsInFlight.length), 1)
}

/** Metric type AverageValue: the whole, shared out. */
function averaged(members: number, whole: number, perMember: number): number {
  return Math.abs(1 - whole / (perMember * members)) <= tolerance ? members : Math.ceil(whole / perMember)
}
