import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, afterEach, before, describe, test } from 'node:test'
import { Client } from 'pg'
import { emailOf } from '../support/builders/catalogue.ts'
import { eventually } from '../support/eventually.ts'
import { call, insertApp, refusalIn, startTestGateway, type TestApp, type TestGateway } from '../support/gateway.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

let pipeline: Pipeline
let gateway: TestGateway
let app: TestApp

before(async () => {
  pipeline = await startPipeline()
  app = await insertApp(pipeline.database, { scopes: ['users:write'] })
  gateway = await startTestGateway(pipeline)
})
afterEach((context) => pipeline.showLogs(context))
after(async () => {
  await gateway.stop()
  await pipeline.stop()
})

interface Report {
  kind: string
  line?: number
  faults?: { field: string; expected: string }[]
  complete?: boolean
  reason?: string
  lines?: number
  taken?: number
  faulty?: number
}

const path = '/v1/users:import'
const nobody = { email: null, phoneNumber: null, locale: null, timeZone: null }
const lineOf = (userId: number, given: object = {}) =>
  `${JSON.stringify({ userId, ...nobody, email: emailOf(userId), ...given })}\n`

/** A body that is made while it is sent, some lines at a time. */
function bodyOf(lines: Iterable<string>, pulled: (bytes: number) => void = () => {}): ReadableStream<Uint8Array> {
  const source = lines[Symbol.iterator]()
  return new ReadableStream(
    {
      pull: (controller) => {
        const some = Array.from({ length: 100 }, () => source.next())
        const text = some.map(({ value }) => (value as string | undefined) ?? '').join('')
        if (text !== '') {
          const chunk = Buffer.from(text)
          pulled(chunk.length)
          controller.enqueue(chunk)
        }
        if (some.at(-1)?.done === true) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

function send(body: ReadableStream<Uint8Array> | string, contentType = 'application/x-ndjson'): Promise<Response> {
  const headers = { authorization: app.authorization, 'content-type': contentType }
  // TypeScript's fetch does not know the half duplex that Node asks for.
  return fetch(gateway.url + path, { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
}

async function reportsOf(response: Response): Promise<Report[]> {
  const text = await response.text()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Report)
}

async function countOf(from: number, to: number): Promise<number> {
  const [row] = await pipeline.database.query<{ count: string }>(
    'select count(*) as count from users where user_id between $1 and $2',
    [from, to],
  )
  return Number(row?.count)
}

describe('an import over HTTP', () => {
  test('of 20,000 lines writes all that is right, and tells each that is wrong by its number and field', async () => {
    const planted = new Map<number, { text: string; field: string }>()
    for (let line = 777; line <= 20_000; line += 777) {
      const faults = [
        { text: lineOf(line, { email: 'planted fault' }), field: '/email' },
        { text: lineOf(line, { phoneNumber: '555 planted' }), field: '/phoneNumber' },
        { text: lineOf(0), field: '/userId' },
        { text: '{"planted": \n', field: '/' },
        { text: lineOf(line, { planted: true }), field: '/planted' },
      ]
      planted.set(line, faults[line % faults.length]!)
    }
    const lines = (function* () {
      for (let line = 1; line <= 20_000; line += 1) yield planted.get(line)?.text ?? lineOf(line)
    })()
    const response = await send(bodyOf(lines))
    assert.equal(response.status, 200)
    assert.match(response.headers.get('content-type') ?? '', /^application\/x-ndjson/)
    const reports = await reportsOf(response)
    const faults = reports.filter(({ kind }) => kind === 'fault')
    assert.deepEqual(
      faults.map(({ line, faults: ofLine = [] }) => [line, ...ofLine.map(({ field }) => field)]),
      [...planted].map(([line, { field }]) => [line, field]),
    )
    const taken = 20_000 - planted.size
    assert.deepEqual(reports.at(-1), { kind: 'end', complete: true, lines: 20_000, taken, faulty: planted.size })
    assert.equal(reports.filter(({ kind }) => kind === 'progress').length, Math.ceil(taken / 500))
    assert.equal(await countOf(1, 20_000), taken)
    assert.doesNotMatch(JSON.stringify(faults), /555 planted|planted fault|user-/)
    const read = await call(gateway, '/v1/users/19999', { app })
    assert.equal(read.body['email'], emailOf(19_999))
  })

  test('writes over what is known, with devices where a line names them', async () => {
    const device = { deviceId: '0199f0c2-8d8e-7c3a-9b1d-2f6f2f0c7a11', platform: 'android', token: 'imported' }
    await reportsOf(await send(lineOf(30_001, { devices: [device] }) + lineOf(30_002)))
    await reportsOf(await send(lineOf(30_001, { locale: 'ko' }) + lineOf(30_002, { devices: [device] })))
    const devicesOf = async (userId: number) =>
      (await call(gateway, `/v1/users/${userId}`, { app })).body['devices'] as unknown[]
    assert.deepEqual([(await devicesOf(30_001)).length, (await devicesOf(30_002)).length], [0, 1])
    assert.equal((await call(gateway, '/v1/users/30001', { app })).body['locale'], 'ko')
  })

  test('holds its client back while the database does not answer: what is unread stays with the client', async () => {
    const lineBytes = 2_000
    const bodyBytes = 10_000 * lineBytes
    const lines = (function* () {
      for (let userId = 40_001; userId <= 50_000; userId += 1)
        yield (
          lineOf(userId)
            .trim()
            .padEnd(lineBytes - 1) + '\n'
        )
    })()
    const blocker = new Client({ connectionString: pipeline.database.url })
    await blocker.connect()
    await blocker.query('begin')
    await blocker.query('lock table users')
    let pulledBytes = 0
    const response = send(bodyOf(lines, (bytes) => void (pulledBytes += bytes)))
    let before = -1
    await eventually(() => {
      const isStill = pulledBytes === before && pulledBytes > 0
      before = pulledBytes
      return Promise.resolve(isStill ? undefined : `${pulledBytes} bytes are sent and more follow`)
    }, 30_000)
    assert.ok(pulledBytes < bodyBytes / 2, `${pulledBytes} of ${bodyBytes} bytes were taken in`)
    await blocker.query('rollback')
    await blocker.end()
    const reports = await reportsOf(await response)
    assert.deepEqual(reports.at(-1), { kind: 'end', complete: true, lines: 10_000, taken: 10_000, faulty: 0 })
  })

  test('whose connection breaks leaves whole batches and nothing half', async () => {
    const own = await startTestGateway(pipeline)
    const lines = Array.from({ length: 1_234 }, (_, index) => lineOf(60_001 + index)).join('')
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(own.url).port) })
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: a\r\nauthorization: ${app.authorization}\r\n` +
        `content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n` +
        `${lines.length.toString(16)}\r\n${lines}\r\n`,
    )
    let told = ''
    for await (const chunk of socket) {
      told += String(chunk)
      if (told.includes('"taken":1000')) break
    }
    // Leaving the loop has destroyed the socket. It stops when what it had taken is written.
    await own.stop()
    assert.equal(await countOf(60_001, 70_000), 1_000)
  })

  test('of somebody who reads nothing before all is sent ends all the same', async () => {
    const body = '{}\n'.repeat(9_000)
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(gateway.url).port) })
    socket.pause()
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: a\r\nauthorization: ${app.authorization}\r\n` +
        `content-type: application/x-ndjson\r\ncontent-length: ${body.length}\r\n\r\n`,
    )
    await new Promise<void>((resolve) => socket.write(body, () => resolve()))
    const answer = (await socket.toArray()).join('')
    assert.match(answer, /"kind":"end","complete":true,"lines":9000,"taken":0,"faulty":9000/)
  })

  test('says what it does not take: other types, bodies over the limit, and apps that may not', async () => {
    const other = await send('{}', 'application/json')
    assert.deepEqual(
      [other.status, ((await other.json()) as { detail: string }).detail],
      [415, 'expected application/x-ndjson'],
    )
    const elsewhere = await call(gateway, '/v1/users/1', {
      app,
      method: 'PUT',
      json: {},
      headers: { 'content-type': 'application/x-ndjson' },
    })
    assert.equal(refusalIn(elsewhere).kind, 'unsupported_media_type')
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(gateway.url).port) })
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: a\r\nauthorization: ${app.authorization}\r\nconnection: close\r\n` +
        `content-type: application/x-ndjson\r\ncontent-length: ${64 * 1024 * 1024 + 1}\r\n\r\n`,
    )
    assert.match((await socket.toArray()).join(''), /^HTTP\/1.1 413 .*urn:fanfare:problem:too_large/s)
    const sender = await insertApp(pipeline.database, { scopes: ['notifications:send'] })
    assert.equal(refusalIn(await call(gateway, path, { app: sender, method: 'POST' })).kind, 'forbidden')
    const empty = await call(gateway, path, { app, method: 'POST' })
    assert.equal(refusalIn(empty).kind, 'unsupported_media_type')
  })

  test('that fails in its middle says so in its last line, and may be sent again', async () => {
    await pipeline.database.query(`alter table users add constraint no_import check (user_id <> 80750) not valid`)
    try {
      const lines = Array.from({ length: 1_000 }, (_, index) => lineOf(80_001 + index)).join('')
      const reports = await reportsOf(await send(lines))
      assert.deepEqual(reports.at(-1), {
        kind: 'end',
        complete: false,
        reason: 'internal_error',
        lines: 1_000,
        taken: 500,
        faulty: 0,
      })
      assert.equal(await countOf(80_001, 81_000), 500)
      await pipeline.database.query('alter table users drop constraint no_import')
      assert.equal((await reportsOf(await send(lines))).at(-1)?.taken, 1_000)
    } finally {
      await pipeline.database.query('alter table users drop constraint if exists no_import')
    }
  })
})
