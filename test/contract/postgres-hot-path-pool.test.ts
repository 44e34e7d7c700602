import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { DatabaseError } from 'pg'
import { DependencyUnavailable } from '../../src/domain/dependency-unavailable.ts'
import { createHotPathPool, type HotPathPool, type HotPathPoolOptions } from '../../src/postgres/hot-path-pool.ts'
import type { Statement } from '../../src/postgres/statement.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const sleepForever: Statement = { name: 'sleep', text: 'select pg_sleep(600)' }
const backendPid: Statement = { name: 'pid', text: 'select pg_backend_pid() as pid' }

const unavailable = (code: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof DependencyUnavailable)
  assert.equal(error.dependency, 'postgres')
  assert.match(error.code, typeof code === 'string' ? new RegExp(`^${code}$`) : code)
  return true
}

describe('the hot path pool', () => {
  let database: TestDatabase
  before(async () => {
    database = await createTestDatabase({ empty: true })
  })
  after(async () => {
    await database.drop()
  })

  async function withPool(options: Partial<HotPathPoolOptions>, work: (pool: HotPathPool) => Promise<void>) {
    const pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 1, ...options })
    try {
      await work(pool)
    } finally {
      await pool.close()
    }
  }

  const pidOf = async (pool: HotPathPool) => (await pool.query<{ pid: number }>(backendPid, []))[0]!.pid
  const terminate = (pid: number) => database.query('select pg_terminate_backend($1, 5000)', [pid])

  test('reads instants to the millisecond, days as they are written and bigints unrounded', async () => {
    await withPool({}, async (pool) => {
      const [row] = await pool.query(
        {
          name: 'types',
          text: `select '2026-01-31 23:59:59.999+00'::timestamptz as last, '1970-01-01T00:00:00Z'::timestamptz as first,
                   '2026-03-29 02:30:00.5+01'::timestamptz as zoned, '2026-01-31'::date as day,
                   9007199254740993::bigint as big, null::timestamptz as never`,
        },
        [],
      )
      assert.deepEqual(row, {
        last: Date.parse('2026-01-31T23:59:59.999Z'),
        first: 0,
        zoned: Date.parse('2026-03-29T01:30:00.500Z'),
        day: '2026-01-31',
        big: '9007199254740993',
        never: null,
      })
    })
  })

  test('prepares a statement once per connection', async () => {
    await withPool({}, async (pool) => {
      await pidOf(pool)
      await pidOf(pool)
      const prepared = await pool.query(
        { name: 'prepared', text: `select name, generic_plans from pg_prepared_statements where name = 'pid'` },
        [],
      )
      assert.deepEqual(prepared, [{ name: 'pid', generic_plans: '2' }])
    })
  })

  test('passes on the fault of a statement, and goes on', async () => {
    await withPool({}, async (pool) => {
      const text: Statement = { name: 'text', text: 'select $1::text as value' }
      await assert.rejects(
        pool.query(text, ['\u0000']),
        (error) => error instanceof DatabaseError && error.code === '22021',
      )
      assert.deepEqual(await pool.query(text, ['fine']), [{ value: 'fine' }])
    })
  })

  test('takes what Postgres says of itself for unavailability, and what it says of a statement for its fault', async () => {
    await database.query(
      `create function fail(state text) returns void language plpgsql as $$ begin raise exception using errcode = state; end $$`,
    )
    const fail: Statement = { name: 'fail', text: 'select fail($1)' }
    await withPool({}, async (pool) => {
      for (const state of ['08006', '40001', '53100', '53200', '55P03', '57P03', '58030']) {
        await assert.rejects(pool.query(fail, [state]), unavailable(state))
        await assert.rejects(
          pool.transaction((connection) => connection.query(fail, [state])),
          unavailable(state),
        )
      }
      for (const state of ['22003', '23505', '42P01', 'XX000', 'P0001']) {
        await assert.rejects(
          pool.query(fail, [state]),
          (error) => error instanceof DatabaseError && error.code === state,
        )
      }
    })
  })

  test('leaves a server that only reads, since it was the primary before, for the one that it finds then', async () => {
    await database.query('create table written (number integer)')
    const write: Statement = { name: 'write', text: 'insert into written values (1)' }
    // A connection keeps what it was opened with, as one does that leads to a former primary.
    const setReadOnly = (is: 'on' | 'off') =>
      database.query(
        `do $$ begin execute format('alter database %I set default_transaction_read_only = ${is}', current_database()); end $$`,
      )
    const ways: ((pool: HotPathPool) => Promise<unknown>)[] = [
      (pool) => pool.query(write, []),
      (pool) => pool.transaction((connection) => connection.query(write, [])),
    ]
    for (const writeOnce of ways) {
      await withPool({}, async (pool) => {
        await setReadOnly('on')
        await assert.rejects(writeOnce(pool), unavailable('25006'))
        await setReadOnly('off')
        await writeOnce(pool)
      })
    }
    assert.equal((await database.query('select from written')).length, ways.length)
  })

  test('reports a connection that ends during a statement as unavailable, and connects anew', async () => {
    await withPool({}, async (pool) => {
      const pid = await pidOf(pool)
      const asleep = pool.query(sleepForever, [])
      const [failure] = await Promise.allSettled([asleep, terminate(pid)])
      assert.equal(failure.status, 'rejected')
      unavailable('57P01')(failure.reason)
      assert.notEqual(await pidOf(pool), pid)
    })
  })

  test('survives a connection that ends while nobody uses it', async () => {
    const lost = Promise.withResolvers<string>()
    await withPool({ onIdleConnectionLost: lost.resolve }, async (pool) => {
      const pid = await pidOf(pool)
      await terminate(pid)
      assert.equal(await lost.promise, '57P01')
      assert.notEqual(await pidOf(pool), pid)
    })
  })

  test('has a statement cancelled that takes too long', async () => {
    await withPool({ statementTimeoutMs: 50 }, async (pool) => {
      await assert.rejects(pool.query(sleepForever, []), unavailable('57014'))
      await pidOf(pool)
    })
  })

  test('waits no longer than its time-out for a free connection', async () => {
    await withPool({ connectTimeoutMs: 500, statementTimeoutMs: 2_000 }, async (pool) => {
      const busy = assert.rejects(pool.query(sleepForever, []), unavailable('57014'))
      await assert.rejects(pool.query(backendPid, []), unavailable('connect_timeout'))
      await busy
    })
  })

  test('takes whatever keeps it from connecting for unavailability', async () => {
    const elsewhere = new URL(database.url)
    elsewhere.pathname = '/no_such_database'
    await withPool({ url: elsewhere.href }, async (pool) => {
      await assert.rejects(pool.query(backendPid, []), unavailable('3D000'))
    })
    await withServer(
      () => {},
      async (url, server) => {
        server.close()
        await once(server, 'close')
        await withPool({ url }, async (pool) => {
          await assert.rejects(pool.query(backendPid, []), unavailable('ECONNREFUSED'))
        })
      },
    )
  })

  test('gives a server up that accepts and never answers', async () => {
    await withServer(
      () => {},
      async (url) => {
        await withPool({ url, connectTimeoutMs: 50 }, async (pool) => {
          await assert.rejects(pool.query(backendPid, []), unavailable(/^connect_timeout|^ECONN/))
        })
      },
    )
  })

  test('gives a connection up whose answers never come, and never uses it again', async () => {
    const sockets: Socket[] = []
    const { hostname, port } = new URL(database.url)
    let isFrozen = false
    const relay = (near: Socket) => {
      const far = connect(Number(port), hostname)
      sockets.push(near, far)
      near.on('data', (bytes) => far.write(bytes)).on('error', () => {})
      far.on('data', (bytes) => isFrozen || near.write(bytes)).on('error', () => {})
    }
    await withServer(relay, async (relayUrl) => {
      const url = new URL(database.url)
      url.host = new URL(relayUrl).host
      await withPool({ url: url.href, statementTimeoutMs: 50 }, async (pool) => {
        const pid = await pidOf(pool)
        isFrozen = true
        await assert.rejects(pool.query(sleepForever, []), unavailable('answer_timeout'))
        isFrozen = false
        assert.notEqual(await pidOf(pool), pid)
      })
      for (const socket of sockets) socket.destroy()
    })
  })

  test('commits a transaction that resolves and rolls back one that rejects', async () => {
    await database.query('create table counted (n integer)')
    const insert: Statement = { name: 'insert', text: 'insert into counted values ($1)' }
    await withPool({}, async (pool) => {
      await pool.transaction((connection) => connection.query(insert, [1]))
      const refusal = new Error('no')
      await assert.rejects(
        pool.transaction(async (connection) => {
          await connection.query(insert, [2])
          throw refusal
        }),
        refusal,
      )
      await assert.rejects(
        pool.transaction(async (connection) => {
          await connection.query(insert, [3])
          await connection.query(insert, ['three'])
        }),
        DatabaseError,
      )
      await pool.transaction((connection) => connection.query(insert, [4]))
    })
    assert.deepEqual(await database.query('select n from counted order by n'), [{ n: 1 }, { n: 4 }])
  })

  test('reports a connection that ends within a transaction as unavailable, and keeps nothing of it', async () => {
    await database.query('create table kept (n integer)')
    await withPool({}, async (pool) => {
      await assert.rejects(
        pool.transaction(async (connection) => {
          await connection.query({ name: 'keep', text: 'insert into kept values (1)' }, [])
          const [row] = await connection.query<{ pid: number }>(backendPid, [])
          await terminate(row!.pid)
          await connection.query(backendPid, [])
        }),
        unavailable(/^57P01$|^connection_lost$|^ECONN|^EPIPE/),
      )
      await pidOf(pool)
    })
    assert.deepEqual(await database.query('select n from kept'), [])
  })

  test('closes once, however often it is asked to', async () => {
    const pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 1 })
    await pidOf(pool)
    await Promise.all([pool.close(), pool.close()])
    await pool.close()
  })
})

/** A server that is no Postgres. */
async function withServer(
  onConnection: (socket: Socket) => void,
  work: (url: string, server: Server) => Promise<void>,
) {
  const server = createServer(onConnection).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await work(`postgres://postgres@127.0.0.1:${(server.address() as AddressInfo).port}/any`, server)
  } finally {
    server.close()
  }
}
