import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { keepMembership, type PatchedGroup, type PatchedOffsets } from '../../../src/kafka/steady-membership.ts'

const named = (name: string) => Object.assign(new Error(name), { name })
const closed = named('KafkaJSConnectionClosedError')
const notConnected = named('KafkaJSConnectionError')
const typed = (type: string) => Object.assign(new Error(type), { type })
const notCoordinator = typed('NOT_COORDINATOR_FOR_GROUP')
const loading = typed('GROUP_LOAD_IN_PROGRESS')

interface Setting {
  /** How every heartbeat ends. */
  heartbeat?: () => Promise<unknown>
  /** How joins end, one after the other. */
  join?: () => Promise<void>
  commit?: () => Promise<void>
  /** The node that the others call the coordinator; the member knows node 2. */
  findGroupCoordinator?: () => Promise<{ nodeId: number }>
}

function aMember(setting: Setting = {}) {
  const happened: string[] = []
  const findGroupCoordinator = setting.findGroupCoordinator ?? (async () => ({ nodeId: 3 }))
  const group: PatchedGroup = {
    groupId: 'group',
    memberId: 'member',
    coordinator: { nodeId: 2 },
    seekOffset: { clear: () => void happened.push('forget seeks') },
    cluster: { refreshMetadata: async () => void happened.push('ask who leads'), findGroupCoordinator },
    joinAndSync: async () => {
      happened.push('join')
      await setting.join?.()
    },
    heartbeat: setting.heartbeat ?? (async () => {}),
    recoverFromFetch: async () => void happened.push('recover as kafkajs does'),
  }
  const offsets: PatchedOffsets = {
    groupId: 'group',
    cluster: { findGroupCoordinator },
    coordinator: { nodeId: 2 },
    commitOffsets: setting.commit ?? (async () => {}),
  }
  keepMembership({ group, offsets, notCoordinator: () => notCoordinator })
  return { group, offsets, happened }
}

describe('a member whose coordinator is lost', () => {
  for (const failure of [notConnected, closed]) {
    test(`joins at the new one after ${failure.name}`, async () => {
      const { group } = aMember({ heartbeat: () => Promise.reject(failure) })
      await assert.rejects(group.heartbeat({}), notCoordinator)
    })
  }

  test('stays while it is the coordinator to everybody else, and costs nobody a rebalance', async () => {
    const { group } = aMember({
      heartbeat: () => Promise.reject(closed),
      findGroupCoordinator: async () => ({ nodeId: 2 }),
    })
    await assert.rejects(group.heartbeat({}), closed)
  })

  test('waits for it where no other broker answers either', async () => {
    const { group } = aMember({
      heartbeat: () => Promise.reject(closed),
      findGroupCoordinator: () => Promise.reject(new Error('nobody answers')),
    })
    await assert.rejects(group.heartbeat({}), closed)
  })
})

describe('a member that has to join', () => {
  test('joins once for all who want to, and again for the next', async () => {
    const joined = Promise.withResolvers<void>()
    const { group, happened } = aMember({ join: () => joined.promise })
    const both = [group.joinAndSync(), group.joinAndSync()]
    joined.resolve()
    await Promise.all(both)
    await group.joinAndSync()
    assert.deepEqual(happened, ['forget seeks', 'join', 'forget seeks', 'join'])
  })

  test('makes up for a join that failed at its next heartbeat, instead of living on with an old assignment', async () => {
    const joins = [() => Promise.reject(loading), async () => {}]
    const { group } = aMember({ join: async () => joins.shift()?.() })
    await assert.rejects(group.joinAndSync(), loading)
    await assert.rejects(group.heartbeat({}), notCoordinator)
    await assert.rejects(group.heartbeat({}), notCoordinator)
    await group.joinAndSync()
    await group.heartbeat({})
  })

  test('joins again where it lost its id and did not succeed at once, instead of fetching on without a heartbeat', async () => {
    const { group } = aMember()
    group.memberId = null
    await assert.rejects(group.heartbeat({}), notCoordinator)
  })
})

describe('a member that fetches from a leader that has moved', () => {
  for (const type of [
    'NOT_LEADER_FOR_PARTITION',
    'LEADER_NOT_AVAILABLE',
    'FENCED_LEADER_EPOCH',
    'UNKNOWN_LEADER_EPOCH',
  ]) {
    test(`asks who leads after ${type}, and joins for nothing`, async () => {
      const { group, happened } = aMember()
      await group.recoverFromFetch(typed(type))
      assert.deepEqual(happened, ['ask who leads'])
    })
  }

  test('recovers from everything else as kafkajs does', async () => {
    const { group, happened } = aMember()
    await group.recoverFromFetch(typed('UNKNOWN_TOPIC_OR_PARTITION'))
    assert.deepEqual(happened, ['recover as kafkajs does'])
  })
})

describe('commits', () => {
  for (const failure of [typed('NOT_COORDINATOR_FOR_GROUP'), closed]) {
    test(`go to the new coordinator after ${failure.message}`, async () => {
      const { offsets } = aMember({ commit: () => Promise.reject(failure) })
      await assert.rejects(offsets.commitOffsets(), failure)
      assert.equal(offsets.coordinator.nodeId, 3)
    })
  }

  test('stay with their coordinator where nobody knows another, or where it refused them for what they are', async () => {
    const nobody = aMember({
      commit: () => Promise.reject(closed),
      findGroupCoordinator: () => Promise.reject(new Error('nobody answers')),
    })
    const refused = aMember({ commit: () => Promise.reject(typed('ILLEGAL_GENERATION')) })
    for (const { offsets } of [nobody, refused]) {
      await assert.rejects(offsets.commitOffsets())
      assert.equal(offsets.coordinator.nodeId, 2)
    }
  })
})
