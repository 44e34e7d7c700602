import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { createRegistry } from '../../../src/telemetry/metrics.ts'
import { startAdminServer, type Health } from '../../../src/telemetry/admin-server.ts'

async function serve(t: TestContext, health: { live?: () => Health; ready?: () => Health } = {}) {
  const healthy = () => ({ ok: true, detail: 'fine' })
  const server = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    registry: createRegistry({ role: 'router', version: '1' }),
    live: health.live ?? healthy,
    ready: health.ready ?? healthy,
  })
  t.after(() => server.stop())
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init)
  return { server, get }
}

test('the admin port serves the metrics in the text format', async (t) => {
  const { get } = await serve(t)
  const response = await get('/metrics')
  assert.equal(response.status, 200)
  assert.match(response.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/)
  assert.match(await response.text(), /^fanfare_build_info/m)
})

test('the admin port answers each probe with its own health, as it is now', async (t) => {
  let ready = false
  const { get } = await serve(t, { ready: () => ({ ok: ready, detail: ready ? 'joined' : 'joining' }) })
  assert.equal((await get('/livez')).status, 200)
  const early = await get('/readyz')
  assert.equal(early.status, 503)
  assert.deepEqual(await early.json(), { ok: false, detail: 'joining' })
  ready = true
  assert.equal((await get('/readyz')).status, 200)
})

test('the admin port takes a probe that throws for unhealthy', async (t) => {
  const failing = () => {
    throw new Error('SENSITIVE')
  }
  const { get } = await serve(t, { live: failing })
  const response = await get('/livez')
  assert.equal(response.status, 503)
  assert.doesNotMatch(await response.text(), /SENSITIVE/)
})

test('the admin port refuses other paths and methods', async (t) => {
  const { get } = await serve(t)
  assert.equal((await get('/')).status, 404)
  assert.equal((await get('/metrics', { method: 'POST' })).status, 405)
})

test('the admin port stops within its limit while a client holds a request open, and may be stopped twice', async (t) => {
  const { server } = await serve(t)
  const socket = connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {})
  socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n')
  const closed = once(socket, 'close')
  await Promise.all([server.stop(), server.stop(), closed])
  await assert.rejects(fetch(`http://127.0.0.1:${server.port}/livez`))
})

test('the admin port reports a port that is taken', async (t) => {
  const { server } = await serve(t)
  const registry = createRegistry({ role: 'router', version: '1' })
  const health = () => ({ ok: true, detail: '' })
  await assert.rejects(
    startAdminServer({ host: '127.0.0.1', port: server.port, registry, live: health, ready: health }),
    { code: 'EADDRINUSE' },
  )
})
