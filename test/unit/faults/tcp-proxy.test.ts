import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { startTcpProxy, type TcpProxy } from '../../faults/proxy/tcp-proxy.ts'
import { seededRandom } from '../../faults/supervisor/seeded-random.ts'
import { until } from '../../support/until.ts'

describe('the fault proxy', () => {
  let echo: Server
  let proxy: TcpProxy
  let arrived: string
  const opened: Socket[] = []

  beforeEach(async () => {
    arrived = ''
    echo = createServer((socket) => {
      opened.push(socket)
      socket.on('error', () => {})
      socket.on('data', (bytes) => {
        arrived += bytes.toString('latin1')
        socket.write(bytes)
      })
    })
    echo.listen(0, '127.0.0.1')
    await once(echo, 'listening')
    proxy = await startTcpProxy({ random: seededRandom(1) })
    proxy.aim({ host: '127.0.0.1', port: portOf(echo) })
  })

  afterEach(async () => {
    for (const socket of opened.splice(0)) socket.destroy()
    await proxy.close()
    echo.close()
  })

  const portOf = (server: Server) => (server.address() as AddressInfo).port

  async function dial(port = proxy.port): Promise<Socket> {
    const socket = connect(port, '127.0.0.1')
    opened.push(socket)
    await once(socket, 'connect')
    return socket
  }

  /** Everything up to so many bytes. */
  async function read(socket: Socket, length: number): Promise<string> {
    let text = ''
    for await (const [bytes] of chunksOf(socket)) {
      text += bytes.toString('latin1')
      if (text.length >= length) break
    }
    return text
  }

  async function* chunksOf(socket: Socket): AsyncGenerator<[Buffer]> {
    for (;;) yield (await once(socket, 'data')) as [Buffer]
  }

  async function ask(socket: Socket, text: string): Promise<string> {
    const answer = read(socket, text.length)
    socket.write(text)
    return answer
  }

  /** Round trips past the proxy: whatever it would let through has arrived by then. */
  async function turns(count = 20): Promise<void> {
    const direct = await dial(portOf(echo))
    for (let turn = 0; turn < count; turn += 1) await ask(direct, '.')
  }

  async function codeOfEnd(socket: Socket): Promise<string | undefined> {
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    return error.code
  }

  async function codeOfDialling(): Promise<string | undefined> {
    const socket = connect(proxy.port, '127.0.0.1')
    return codeOfEnd(socket)
  }

  test('passes bytes both ways, large amounts too, and tells of the end', async () => {
    const socket = await dial()
    const bytes = randomBytes(5_000_000).toString('latin1')
    const answer = read(socket, bytes.length)
    socket.write(Buffer.from(bytes, 'latin1'))
    assert.equal(await answer, bytes)
    assert.equal(proxy.connections(), 1)
    socket.end()
    await once(socket, 'close')
    await until(() => proxy.connections() === 0)
  })

  test('makes connections wait that come before it has a target', async () => {
    const early = await startTcpProxy({ random: seededRandom(1) })
    const socket = await dial(early.port)
    const answer = ask(socket, 'hello')
    early.aim({ host: '127.0.0.1', port: portOf(echo) })
    assert.equal(await answer, 'hello')
    await early.close()
  })

  test('delays each direction by the latency, for connections that exist too', async () => {
    const socket = await dial()
    assert.equal(await ask(socket, 'fast'), 'fast')
    proxy.slow({ latencyMs: 60 })
    const startedMs = performance.now()
    assert.equal(await ask(socket, 'slow'), 'slow')
    const tookMs = performance.now() - startedMs
    assert.ok(tookMs >= 119, `${tookMs} ms`)
    proxy.slow({})
    const resumedMs = performance.now()
    assert.equal(await ask(socket, 'fast again'), 'fast again')
    assert.ok(performance.now() - resumedMs < 60)
  })

  test('keeps the order of bytes whatever the jitter', async () => {
    const socket = await dial()
    proxy.slow({ latencyMs: 1, jitterMs: 30 })
    const texts = Array.from({ length: 50 }, (_, at) => `${at};`)
    const answer = read(socket, texts.join('').length)
    for (const text of texts) {
      socket.write(text)
      await turns(1)
    }
    assert.equal(await answer, texts.join(''))
  })

  test('lets no more through a narrow line than it takes', async () => {
    const socket = await dial()
    proxy.slow({ bytesPerSecond: 400_000 })
    const startedMs = performance.now()
    const text = 'x'.repeat(40_000)
    assert.equal(await ask(socket, text), text)
    // 100 ms there; the way back overlaps with it.
    assert.ok(performance.now() - startedMs >= 99)
  })

  test('stands still as a black hole, accepts all the same, and goes on without a loss', async () => {
    const existing = await dial()
    assert.equal(await ask(existing, 'before'), 'before')
    await proxy.break('blackhole')
    const answers = Promise.all([ask(existing, 'existing'), dial().then((fresh) => ask(fresh, 'fresh'))])
    await turns()
    assert.equal(arrived.replaceAll('.', ''), 'before')
    await proxy.heal()
    assert.deepEqual(await answers, ['existing', 'fresh'])
  })

  test('resets existing connections and new ones until it is healed', async () => {
    const existing = await dial()
    const code = codeOfEnd(existing)
    await proxy.break('reset')
    assert.equal(await code, 'ECONNRESET')
    assert.equal(await codeOfDialling(), 'ECONNRESET')
    await proxy.heal()
    assert.equal(await ask(await dial(), 'again'), 'again')
  })

  test('refuses connections, and listens on the same port once it is healed', async () => {
    const existing = await dial()
    assert.equal(await ask(existing, 'before'), 'before')
    const code = codeOfEnd(existing)
    await proxy.break('refuse')
    assert.equal(await code, 'ECONNRESET')
    assert.equal(await codeOfDialling(), 'ECONNREFUSED')
    await proxy.heal()
    assert.equal(await ask(await dial(), 'again'), 'again')
  })

  test('takes requests and loses their answers, and resets who waits for one when it is healed', async () => {
    const socket = await dial()
    assert.equal(await ask(socket, 'before'), 'before')
    await proxy.break('lose-answers')
    let answered = ''
    socket.on('data', (bytes) => (answered += bytes.toString('latin1')))
    socket.write('unanswered')
    await until(() => arrived.includes('unanswered'))
    await turns()
    assert.equal(answered, '')
    const code = codeOfEnd(socket)
    await proxy.heal()
    assert.equal(await code, 'ECONNRESET')
    assert.equal(await ask(await dial(), 'again'), 'again')
  })

  test('resets what is there once and serves what comes', async () => {
    const existing = await dial()
    assert.equal(await ask(existing, 'before'), 'before')
    const code = codeOfEnd(existing)
    proxy.resetConnections()
    assert.equal(await code, 'ECONNRESET')
    assert.equal(await ask(await dial(), 'again'), 'again')
  })

  test('resets a client whose target is not there', async () => {
    const nobody = await startTcpProxy({ random: seededRandom(1) })
    await nobody.break('refuse')
    proxy.aim({ host: '127.0.0.1', port: nobody.port })
    assert.equal(await codeOfEnd(await dial()), 'ECONNRESET')
    await nobody.close()
  })
})
