import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { z } from 'zod'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import { createHttpServer, listen, type HttpServer, type RequestObservation } from '../../../src/http/server.ts'
import { secureHeaders } from '../../../src/http/security-headers.ts'
import { createLogger } from '../../../src/telemetry/log.ts'

const secret = 'ffs_secret'

interface Started {
  server: HttpServer
  port: number
  log: string[]
  observed: RequestObservation[]
  close(): Promise<void>
}

async function start(t: TestContext, routes: (server: HttpServer) => void, limits = {}): Promise<Started> {
  const log: string[] = []
  const observed: RequestObservation[] = []
  const server = await createHttpServer({
    log: createLogger({ role: 'test', level: 'info', destination: { write: (line: string) => void log.push(line) } }),
    bodyLimitBytes: 1_000,
    trustedProxies: 0,
    observe: (observation) => void observed.push(observation),
    ...limits,
  })
  await secureHeaders(server)
  routes(server)
  const listening = await listen(server, { host: '127.0.0.1', port: 0 })
  t.after(() => listening.close())
  return { server, port: listening.port, log, observed, close: () => listening.close() }
}

function echo(server: HttpServer): void {
  server.post('/echo/:name', { schema: { body: z.strictObject({ a: z.int() }) } }, () => ({ ok: true }))
}

/** Sends bytes as they are, and collects what comes until the other side ends the connection. */
async function exchange(port: number, bytes: string): Promise<{ socket: Socket; ended: Promise<string> }> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => {})
  await once(socket, 'connect')
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk.toString()
  })
  socket.write(bytes)
  return { socket, ended: once(socket, 'close').then(() => received) }
}

async function post(port: number, body: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`http://127.0.0.1:${port}/echo/x`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  })
  return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.text() }
}

describe('a door', () => {
  test('says what is wrong with a body by field, and never what was in it', async (t) => {
    const { port } = await start(t, echo)
    const cases: [string, number, string[]][] = [
      ['{"a":1}', 200, []],
      [`{"a":"${secret}"}`, 400, ['/a']],
      [`{"a":1,"b":"${secret}"}`, 400, ['/b']],
      [`{"a":1,"x/y~z":1}`, 400, ['/x~1y~0z']],
      ['[]', 400, ['/']],
      ['', 400, ['/']],
      ['{', 400, ['/']],
      [`{"a":1,"__proto__":{"b":1}}`, 400, ['/']],
      ['nul', 400, ['/']],
    ]
    for (const [body, status, fields] of cases) {
      const answer = await post(port, body)
      assert.equal(answer.status, status, `${body} → ${answer.body}`)
      assert.ok(!answer.body.includes(secret))
      if (status === 200) continue
      assert.match(answer.type ?? '', /^application\/problem\+json/)
      const { faults } = JSON.parse(answer.body) as { faults: { field: string }[] }
      assert.deepEqual(
        faults.map(({ field }) => field),
        fields,
        body,
      )
    }
  })

  test('cuts a list of faults, and the names in it', async (t) => {
    const { port } = await start(t, echo)
    const fields = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`f${index}`, 1]))
    const { body } = await post(port, JSON.stringify(fields))
    assert.equal((JSON.parse(body) as { faults: unknown[] }).faults.length, 50)
    const long = await post(port, JSON.stringify({ a: 1, ['x'.repeat(500)]: 1 }))
    assert.ok(long.body.length < 400, long.body)
  })

  test('takes no body over its limit, whether its length is told or not', async (t) => {
    const { port, observed } = await start(t, echo)
    const tooLong = `{"a":${'1'.repeat(2_000)}}`
    const told = await post(port, tooLong)
    assert.equal(told.status, 413)
    assert.match(told.body, /urn:fanfare:problem:too_large/)
    // What goes on coming is not read.
    const head =
      'POST /echo/x HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'
    const { socket, ended } = await exchange(port, `${head}7d0\r\n${'1'.repeat(2_000)}\r\n`)
    const flood = setInterval(() => socket.write(`400\r\n${'1'.repeat(1_024)}\r\n`), 5)
    assert.match(await ended, /^HTTP\/1.1 413 /)
    clearInterval(flood)
    assert.deepEqual(
      observed.map(({ route, status }) => `${route} ${status}`),
      ['/echo/:name 413', '/echo/:name 413'],
    )
  })

  test('cuts off 10 MB that were announced without reading them', async (t) => {
    const { port } = await start(t, echo)
    const head =
      'POST /echo/x HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 10000000\r\n\r\n'
    const { ended } = await exchange(port, head)
    const answer = await ended
    assert.match(answer, /^HTTP\/1.1 413 /)
    assert.match(answer, /connection: close/i)
  })

  test('takes one content type', async (t) => {
    const { port } = await start(t, echo)
    const answer = await post(port, 'a=1', { 'content-type': 'application/x-www-form-urlencoded' })
    assert.equal(answer.status, 415)
    assert.match(answer.body, /unsupported_media_type/)
  })

  test('cuts off a request whose headers or whose body do not come to an end', async (t) => {
    const { port } = await start(t, echo, { headersLimitMs: 150, requestLimitMs: 300 })
    const slowHeaders = await exchange(port, 'POST /echo/x HTTP/1.1\r\nhost: a\r\nx-slow: ')
    const dribble = setInterval(() => slowHeaders.socket.write('a'), 20)
    assert.match(await slowHeaders.ended, /^HTTP\/1.1 408 .*urn:fanfare:problem/s)
    clearInterval(dribble)
    const head =
      'POST /echo/x HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{"a":'
    const slowBody = await exchange(port, head)
    const drip = setInterval(() => slowBody.socket.write('1'), 20)
    assert.match(await slowBody.ended, /^HTTP\/1.1 408 /)
    clearInterval(drip)
    assert.equal((await post(port, '{"a":1}')).status, 200, 'others are served')
  })

  test('lets a route take longer that says so, and cuts it off then, in the middle of its answer too', async (t) => {
    const { port } = await start(
      t,
      (server) => {
        server.addContentTypeParser('text/slow', (_request, payload, done) => done(null, payload))
        server.post('/slow', { config: { requestLimitMs: 600 } }, (_request, reply) => {
          void reply.send(new ReadableStream({ start: (answer) => answer.enqueue(Buffer.from('begun')) }))
        })
      },
      { requestLimitMs: 100 },
    )
    const startedAt = performance.now()
    const head = 'POST /slow HTTP/1.1\r\nhost: a\r\ncontent-type: text/slow\r\ncontent-length: 900\r\n\r\n'
    const { ended, socket } = await exchange(port, head)
    const drip = setInterval(() => socket.write('1'), 20)
    const answer = await ended
    clearInterval(drip)
    assert.match(answer, /^HTTP\/1.1 200 .*begun/s)
    assert.doesNotMatch(answer, /408/)
    assert.ok(performance.now() - startedAt >= 590)
  })

  test('answers what is no HTTP, no path and too long as it answers everything', async (t) => {
    const { port } = await start(t, echo)
    const cases: [string, RegExp][] = [
      ['NONSENSE\r\n\r\n', /^HTTP\/1.1 400 .*urn:fanfare:problem:invalid/s],
      ['GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\ncontent-length: x\r\n\r\n', /^HTTP\/1.1 400 .*urn:fanfare/s],
      [`GET / HTTP/1.1\r\nhost: a\r\nx-long: ${'a'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1.1 431 .*urn:fanfare/s],
      ['GET /%zz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', /^HTTP\/1.1 400 .*urn:fanfare/s],
      ['GET /nowhere HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', /^HTTP\/1.1 404 .*urn:fanfare/s],
      [
        `POST /echo/${'a'.repeat(300)} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`,
        /^HTTP\/1.1 4\d\d .*urn:fanfare/s,
      ],
    ]
    for (const [request, expected] of cases) {
      const { ended } = await exchange(port, request)
      assert.match(await ended, expected, request.slice(0, 40))
    }
  })

  test('tells nothing of what a handler threw, and logs no message', async (t) => {
    const { port, log } = await start(t, (server) => {
      server.get('/bug', () => {
        throw new Error(`row ${secret}`)
      })
      server.get('/away', () => {
        throw new DependencyUnavailable('postgres', '57P03')
      })
      server.get(
        '/mismatch',
        { schema: { response: { 200: z.object({ a: z.int() }) } } },
        () =>
          // What no type lets through: an answer that its own schema does not know.
          ({ a: secret }) as never,
      )
    })
    for (const [path, status] of [
      ['/bug', 500],
      ['/mismatch', 500],
      ['/away', 503],
    ] as const) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`)
      const body = await answer.text()
      assert.equal(answer.status, status)
      assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
      assert.doesNotMatch(body, new RegExp(`${secret}|\\bat \\S+ \\(`))
      assert.equal(answer.headers.get('retry-after') !== null, status === 503)
    }
    assert.equal(log.length, 2, 'one line for each mistake of ours')
    assert.ok(!log.join('').includes(secret))
  })

  test('carries headers that keep its answers from being cached, framed or sniffed', async (t) => {
    const { port } = await start(t, echo)
    for (const path of ['/echo/x', '/nowhere']) {
      const { headers } = await fetch(`http://127.0.0.1:${port}${path}`)
      assert.equal(headers.get('cache-control'), 'no-store')
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
      assert.equal(headers.get('x-powered-by'), null)
    }
  })

  test('stops as soon as what is under way is answered, though its callers keep their connections', async (t) => {
    const entered = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<void>()
    const { port, close } = await start(t, (server) => {
      server.get('/slow', async () => {
        entered.resolve()
        await finish.promise
        return { ok: true }
      })
      server.get('/stream', (_request, reply) => {
        reply.hijack()
        reply.raw.writeHead(200)
        reply.raw.write('begun')
        void finish.promise.then(() => reply.raw.end())
      })
    })
    const slow = await exchange(port, 'GET /slow HTTP/1.1\r\nhost: a\r\n\r\n')
    const stream = await exchange(port, 'GET /stream HTTP/1.1\r\nhost: a\r\n\r\n')
    await Promise.all([entered.promise, once(stream.socket, 'data')])
    const closing = close()
    finish.resolve()
    assert.match(await slow.ended, /^HTTP\/1.1 200 /)
    assert.match(await stream.ended, /^HTTP\/1.1 200 /)
    await closing
  })

  test('stops: what is under way is answered, what comes on its connections is not taken', async (t) => {
    const entered = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<void>()
    const { port, close } = await start(t, (server) => {
      server.get('/slow', async () => {
        entered.resolve()
        await finish.promise
        return { ok: true }
      })
    })
    const slow = 'GET /slow HTTP/1.1\r\nhost: a\r\n\r\n'
    const { socket, ended } = await exchange(port, slow)
    await entered.promise
    let closed = false
    const closing = close().then(() => {
      closed = true
    })
    await assert.rejects(fetch(`http://127.0.0.1:${port}/slow`), 'nothing new is taken')
    assert.equal(closed, false)
    // Sent ahead on the same connection: read when the first is answered.
    socket.write(slow)
    finish.resolve()
    const answers = await ended
    assert.match(answers, /^HTTP\/1.1 200 /)
    assert.equal(answers.match(/HTTP\/1.1 200 /g)?.length, 1)
    await closing
  })
})
