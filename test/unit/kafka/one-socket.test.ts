import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import '../../../src/kafka/kafkajs.ts'
import type { PatchedConnection } from '../../../src/kafka/one-socket.ts'
import { eventually } from '../../support/eventually.ts'

const require = createRequire(import.meta.url)

interface Connection extends PatchedConnection {
  send(request: object): Promise<unknown>
}
const Connection = require('kafkajs/src/network/connection.js') as new (options: object) => Connection
const Encoder = require('kafkajs/src/protocol/encoder.js') as new () => object
const socketFactory = require('kafkajs/src/network/socketFactory.js') as () => unknown

/** A broker that takes connections and answers nothing, and kafkajs's own connection to it. */
async function aSilentBroker(t: TestContext) {
  const taken: Socket[] = []
  const server = createServer((socket) => {
    taken.push(socket)
    socket.on('error', () => {})
    socket.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const silent = () => {}
  const logger = { namespace: () => logger, debug: silent, info: silent, warn: silent, error: silent }
  const connection = new Connection({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    logger,
    socketFactory: socketFactory(),
    connectionTimeout: 2_000,
    requestTimeout: 2_000,
  })
  t.after(async () => {
    connection.rejectRequests(new Error('the test is over'))
    await connection.disconnect()
    for (const socket of taken) socket.destroy()
    server.close()
  })
  return { connection, taken, server }
}

const request = {
  request: { apiKey: 3, apiName: 'Metadata', apiVersion: 0, encode: async () => new Encoder() },
  response: {},
}

test('a connection that several want at once has one socket', async (t) => {
  const { connection, taken, server } = await aSilentBroker(t)
  const accepted = once(server, 'connection')
  await Promise.all([connection.connect(), connection.connect(), connection.connect()])
  await accepted
  await connection.connect()
  assert.deepEqual([connection.isConnected(), taken.length], [true, 1])
})

test('a connection is closed in the step in which it closes, so that no request is written to nobody', async (t) => {
  const { connection } = await aSilentBroker(t)
  await connection.connect()
  const closing = connection.disconnect()
  assert.equal(connection.isConnected(), false)
  await closing
})

test('a connection that is closed on purpose lets its requests end first', async (t) => {
  const { connection } = await aSilentBroker(t)
  await connection.connect()
  const failure = new Error('lost')
  const answered = assert.rejects(connection.send(request), failure)
  await eventually(async () => (connection.requestQueue.inflight.size === 1 ? undefined : 'the request'))
  const closing = connection.disconnect()
  await turn()
  assert.equal(connection.isConnected(), true)
  connection.rejectRequests(failure)
  await answered
  await closing
  assert.equal(connection.isConnected(), false)
})

test('what an earlier socket still tells does not close the connection that was made since', async (t) => {
  const { connection } = await aSilentBroker(t)
  await connection.connect()
  const earlier = connection.socket as unknown as Socket
  await connection.disconnect()
  await connection.connect()
  earlier.emit('error', new Error('too late'))
  earlier.emit('end')
  assert.equal(connection.isConnected(), true)
})

test('a connection that is closed while it is being made fails for whoever waits for it, and can be made again', async (t) => {
  const { connection } = await aSilentBroker(t)
  const connecting = assert.rejects(connection.connect(), { name: 'KafkaJSConnectionError' })
  await connection.disconnect()
  await connecting
  await connection.connect()
  assert.equal(connection.isConnected(), true)
})

test('a connection that is made again forgets the half of an answer that it had', async (t) => {
  const { connection } = await aSilentBroker(t)
  await connection.connect()
  Object.assign(connection, { chunks: [Buffer.of(0, 0, 1)], bytesBuffered: 3, bytesNeeded: 260 })
  await connection.disconnect()
  await connection.connect()
  assert.deepEqual([connection.chunks, connection.bytesBuffered, connection.bytesNeeded], [[], 0, 4])
})
