import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  leaveLostBrokers,
  type PatchedConnection,
  type PatchedGroup,
  type PatchedPool,
} from '../../../src/kafka/lost-broker.ts'

const metadata = { request: { apiName: 'Metadata' } }
const apiVersions = { request: { apiName: 'ApiVersions' } }
const named = (name: string) => Object.assign(new Error(name), { name })
const timedOut = named('KafkaJSRequestTimeoutError')
const closed = named('KafkaJSConnectionClosedError')
const notConnected = named('KafkaJSConnectionError')
const notCoordinator = new Error('not the coordinator')

/** A connection as kafkajs has it, in the middle of an answer. */
function aConnection(): PatchedConnection & { rejected: Error[]; destroyed: boolean } {
  let connected = true
  const connection = {
    rejected: [] as Error[],
    destroyed: false,
    socket: { destroy: () => void (connection.destroyed = true) },
    chunks: [Buffer.of(0, 0, 1)],
    bytesBuffered: 3,
    bytesNeeded: 260,
    isConnected: () => connected,
    connect: async () => (connected = true),
    disconnect: async () => (connected = false),
    rejectRequests: (error: Error) => void connection.rejected.push(error),
  }
  return connection
}

interface Setting {
  /** How every request ends. */
  failure?: Error
  /** The node that the others call the coordinator; the member knows node 2. */
  findGroupCoordinator?: () => Promise<{ nodeId: number }>
}

/** Everything that is mended. */
function aClient({ failure = timedOut, findGroupCoordinator = async () => ({ nodeId: 3 }) }: Setting = {}) {
  const connections = [aConnection(), aConnection()] as const
  const pool: PatchedPool = {
    host: 'broker-2',
    port: 9092,
    pool: [...connections],
    send: () => Promise.reject(failure),
  }
  const group: PatchedGroup = {
    groupId: 'group',
    memberId: 'member',
    coordinator: { nodeId: 2 },
    cluster: { brokerPool: { metadataExpireAt: 4_102_444_800_000 }, findGroupCoordinator },
    heartbeat: () => pool.send(metadata),
    recoverFromFetch: (error) => Promise.reject(error),
  }
  leaveLostBrokers({
    connection: connections[0],
    pool,
    group,
    connectionClosed: () => closed,
    notConnected: () => notConnected,
    notCoordinator: () => notCoordinator,
  })
  return { connections, pool, group }
}

describe('a broker that takes requests and answers none', () => {
  test('is left after one time-out: all of its connections close, and their requests fail as after a close', async () => {
    const { connections, pool } = aClient()
    await assert.rejects(pool.send(metadata), closed)
    for (const connection of connections) {
      assert.deepEqual([connection.isConnected(), connection.destroyed], [false, true])
      assert.deepEqual(connection.rejected, [closed])
    }
  })

  test('counts as one that was not reached where it does not answer the first request, so that another is tried', async () => {
    await assert.rejects(aClient().pool.send(apiVersions), notConnected)
  })

  test('is told from one that answers with an error', async () => {
    const failure = new Error('the group rebalances')
    const { connections, group } = aClient({ failure })
    await assert.rejects(group.heartbeat({}), failure)
    assert.deepEqual([connections[0].isConnected(), connections[0].destroyed], [true, false])
  })
})

describe('a member whose coordinator is lost', () => {
  for (const failure of [timedOut, notConnected, closed]) {
    test(`joins at the new one after ${failure.name}`, async () => {
      await assert.rejects(aClient({ failure }).group.heartbeat({}), notCoordinator)
    })
  }

  test('joins again where it lost its id and did not succeed at once, instead of fetching on without a heartbeat', async () => {
    const { group } = aClient({ findGroupCoordinator: async () => ({ nodeId: 2 }) })
    group.memberId = null
    await assert.rejects(group.heartbeat({}), notCoordinator)
  })

  test('stays while it is the coordinator to everybody else, and costs nobody a rebalance', async () => {
    const { group } = aClient({ findGroupCoordinator: async () => ({ nodeId: 2 }) })
    await assert.rejects(group.heartbeat({}), closed)
  })

  test('waits for it where no other broker answers either', async () => {
    const { group } = aClient({ findGroupCoordinator: () => Promise.reject(new Error('nobody answers')) })
    await assert.rejects(group.heartbeat({}), closed)
  })
})

test('a consumer asks anew who leads before it fetches again from a broker that it did not reach', async () => {
  const { group } = aClient()
  await assert.rejects(group.recoverFromFetch(new Error('something else')))
  assert.notEqual(group.cluster.brokerPool.metadataExpireAt, null)
  await assert.rejects(group.recoverFromFetch(notConnected), notConnected)
  assert.equal(group.cluster.brokerPool.metadataExpireAt, null)
})

test('a connection that is made again forgets the half of an answer that it had', async () => {
  const { connections } = aClient()
  const [connection] = connections
  await connection.disconnect()
  await connection.connect()
  assert.deepEqual([connection.chunks, connection.bytesBuffered, connection.bytesNeeded], [[], 0, 4])
})
