import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { after, before, describe, test, type TestContext } from 'node:test'
import { createTestDatabase } from '../support/database.ts'
import { startPipeline, type Pipeline } from '../support/pipeline.ts'

let pipeline: Pipeline

before(async () => {
  pipeline = await startPipeline()
})
after(() => pipeline.stop())

const scheduler = (url: string) => pipeline.start(['scheduler'], { FANFARE_POSTGRES_URL: url })

describe('a role', () => {
  test('does not start on a database that was never migrated, and says what to do', async (t) => {
    const empty = await createTestDatabase({ empty: true })
    t.after(() => empty.drop())
    await assert.rejects(
      scheduler(empty.url),
      /0001-people.*the database lacks migrations of this version: run fanfare/s,
    )
  })

  test('does not start on a database that lacks the latest migration, and names it', async (t) => {
    const older = await createTestDatabase()
    t.after(() => older.drop())
    const [removed] = await older.query<{ name: string }>(
      'delete from knex_migrations where id = (select max(id) from knex_migrations) returning name',
    )
    await assert.rejects(scheduler(older.url), (error: Error) => {
      assert.match(error.message, new RegExp(`"missing":\\["${removed?.name}"\\]`))
      return true
    })
  })

  test('starts on a database that is ahead: an upgrade migrates before it restarts', async (t) => {
    const newer = await createTestDatabase()
    t.after(() => newer.drop())
    await newer.query(`insert into knex_migrations (name, batch) values ('9999-of-the-next-version', 99)`)
    const role = await scheduler(newer.url)
    await role.stop()
  })

  test('waits for a Postgres that is away at its start', async (t) => {
    const refusals = 3
    const { url, connections } = await refusingAtFirst(t, pipeline.database.url, refusals)
    const role = await scheduler(url)
    assert.ok(connections() > refusals)
    assert.match(role.newLogTail(), /"dependency":"postgres".*waiting for a dependency/)
    await role.stop()
  })
})

/** The server behind the URL, but for the first connections, which are reset. */
async function refusingAtFirst(t: TestContext, url: string, refusals: number) {
  const behind = new URL(url)
  let count = 0
  const server = createServer((client) => {
    client.on('error', () => {})
    count += 1
    if (count <= refusals) return void client.resetAndDestroy()
    const upstream = connect(Number(behind.port), behind.hostname).on('error', () => {})
    client.pipe(upstream).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return { url: Object.assign(new URL(url), { host: `127.0.0.1:${port}` }).href, connections: () => count }
}
