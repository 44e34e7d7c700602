/**
 * Mends how kafkajs's members meet leaders and coordinators that move.
 *
 * - A fetch that meets a partition whose leader has moved makes the member join again, and with it the whole group wait.
 *   With several brokers each fetcher does so by itself: requests to join of one member cross, the coordinator answers
 *   only the later one, and each overwrites what the other one learned. Ours asks who leads and fetches there, and joins
 *   once for all who want to.
 * - A join that fails (the next coordinator is still reading its log) is forgotten. The member then heartbeats to the new
 *   coordinator and commits to the one that it knew when it last joined, which refuses for ever; or it has lost its id,
 *   and fetches on without a heartbeat (measured: alive, idle or never committing, for as long as one looked). Ours makes
 *   up for it at the next heartbeat, and commits go to the coordinator of the moment.
 * - A member that cannot reach its coordinator tries ten times before it asks for the new one. Ours joins there as soon as
 *   there is one.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isUnreached } from './lost-broker.ts'

interface Coordinator {
  nodeId: number
}

/** Where committed offsets come from and go to; a new one with every assignment. */
export interface PatchedOffsets {
  groupId: string
  cluster: { findGroupCoordinator(of: { groupId: string }): Promise<Coordinator> }
  coordinator: Coordinator
  commitOffsets(offsets?: object): Promise<void>
}

export interface PatchedGroup {
  groupId: string
  /** Absent from the moment at which the coordinator does not know the member until it has joined again. */
  memberId: string | null
  coordinator: Coordinator
  seekOffset: { clear(): void }
  cluster: {
    refreshMetadata(): Promise<void>
    findGroupCoordinator(of: { groupId: string }): Promise<Coordinator>
  }
  joinAndSync(): Promise<void>
  heartbeat(options: object): Promise<unknown>
  recoverFromFetch(error: Error): Promise<void>
}

export interface SteadyMembershipPatch {
  group: PatchedGroup
  offsets: PatchedOffsets
  /** NOT_COORDINATOR_FOR_GROUP, which makes a member join again. */
  notCoordinator(cause: Error): Error
}

export function keepMembership({ group, offsets, notCoordinator }: SteadyMembershipPatch): void {
  const owing = joinOnce(group)
  followTheCoordinator(group, { notCoordinator, owing })
  fetchFromMovedLeaders(group)
  commitToTheCoordinator(offsets)
}

/** @returns the members whose last join failed. */
function joinOnce(group: PatchedGroup): WeakSet<PatchedGroup> {
  const { joinAndSync } = group
  const joining = new WeakMap<PatchedGroup, Promise<void>>()
  const owing = new WeakSet<PatchedGroup>()
  group.joinAndSync = function (this: PatchedGroup) {
    const underWay = joining.get(this)
    if (underWay !== undefined) return underWay
    this.seekOffset.clear()
    const join = joinAndSync
      .call(this)
      .then(
        () => void owing.delete(this),
        (error: unknown) => {
          owing.add(this)
          throw error
        },
      )
      .finally(() => joining.delete(this))
    joining.set(this, join)
    return join
  }
  return owing
}

function followTheCoordinator(
  group: PatchedGroup,
  { notCoordinator, owing }: Pick<SteadyMembershipPatch, 'notCoordinator'> & { owing: WeakSet<PatchedGroup> },
): void {
  const { heartbeat } = group
  group.heartbeat = async function (this: PatchedGroup, options) {
    if (this.memberId === null) throw notCoordinator(new Error('the group does not know this member'))
    if (owing.has(this)) throw notCoordinator(new Error('this member has not joined again'))
    try {
      return await heartbeat.call(this, options)
    } catch (error) {
      if (!isUnreached(error)) throw error
      const { groupId, coordinator } = this
      // Where nobody knows a better one, joining would cost a rebalance, or end in an error that kafkajs gives up at.
      const now = await this.cluster.findGroupCoordinator({ groupId }).catch(() => coordinator)
      throw now.nodeId === coordinator.nodeId ? error : notCoordinator(error)
    }
  }
}

/** What the answer to a fetch says of a leader that has moved, or is being chosen. */
const movedLeaders = ['LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION', 'FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH']
/** Between looks while the new leader is not known. */
const askAgainMs = 100

function fetchFromMovedLeaders(group: PatchedGroup): void {
  const { recoverFromFetch } = group
  group.recoverFromFetch = async function (this: PatchedGroup, error) {
    const isMoved = 'type' in error && movedLeaders.some((type) => type === error.type)
    if (!isMoved) return recoverFromFetch.call(this, error)
    await sleep(askAgainMs)
    await this.cluster.refreshMetadata()
  }
}

function commitToTheCoordinator(offsets: PatchedOffsets): void {
  const { commitOffsets } = offsets
  offsets.commitOffsets = async function (this: PatchedOffsets, given) {
    try {
      await commitOffsets.call(this, given)
    } catch (error) {
      const { groupId, coordinator } = this
      // For the next commit: this one has failed, and whether its offsets are still this member's is not known here.
      if (isAboutTheCoordinator(error))
        this.coordinator = await this.cluster.findGroupCoordinator({ groupId }).catch(() => coordinator)
      throw error
    }
  }
}

function isAboutTheCoordinator(error: unknown): boolean {
  return isUnreached(error) || (error instanceof Error && 'type' in error && error.type === 'NOT_COORDINATOR_FOR_GROUP')
}
