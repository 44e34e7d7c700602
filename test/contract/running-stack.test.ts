import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { Client } from 'pg'
import { findRunningStack } from '../../src/cli/running-stack.ts'
import { ConfigurationError } from '../../src/configuration/configuration-fault.ts'
import { dockerStackCommand, dockerStackEnvironment } from '../../src/local/stack/docker-stack.ts'
import { createOwnDatabase } from '../../src/postgres/own-database.ts'
import { readStackEnvironment } from '../support/stack-environment.ts'

const { brokers, registryUrl, postgresUrl, redisUrl } = readStackEnvironment()
const external = {
  FANFARE_KAFKA_BROKERS: brokers.join(','),
  FANFARE_REGISTRY_URL: registryUrl,
  FANFARE_POSTGRES_URL: postgresUrl,
  FANFARE_REDIS_URL: redisUrl,
}
const portOf = (url: string) => new URL(url.includes('://') ? url : `tcp://${url}`).port

describe('the containers of docker-compose.yml', () => {
  test('are reached where the file publishes them', () => {
    assert.deepEqual(dockerStackEnvironment({ REDIS_PORT: '' }), {
      FANFARE_KAFKA_BROKERS: '127.0.0.1:9092',
      FANFARE_REGISTRY_URL: 'http://127.0.0.1:8081/apis/ccompat/v7',
      FANFARE_POSTGRES_URL: 'postgres://fanfare:fanfare@127.0.0.1:5432/fanfare',
      FANFARE_REDIS_URL: 'redis://127.0.0.1:6379',
    })
  })

  test('are found where their variables have moved them', async () => {
    const moved = {
      KAFKA_PORT: portOf(brokers[0] ?? ''),
      REGISTRY_PORT: portOf(registryUrl),
      POSTGRES_PORT: portOf(postgresUrl),
      REDIS_PORT: portOf(redisUrl),
    }
    const { kafka, registry, environment } = await findRunningStack('docker', moved)
    assert.deepEqual(kafka.brokers, brokers)
    assert.equal(registry.url, registryUrl)
    assert.equal(environment['FANFARE_REDIS_URL'], redisUrl)
  })

  test('are asked for with the command that starts them where they are not there', async () => {
    const nowhere = { KAFKA_PORT: '1', REGISTRY_PORT: '1', POSTGRES_PORT: portOf(postgresUrl), REDIS_PORT: '1' }
    await assert.rejects(findRunningStack('docker', nowhere), (error: Error) => {
      const missing = 'FANFARE_KAFKA_BROKERS, FANFARE_REGISTRY_URL, FANFARE_REDIS_URL'
      assert.equal(error.message, `nobody answers at the address of ${missing}; start it with: ${dockerStackCommand}`)
      return true
    })
  })
})

describe('a stack that the environment names', () => {
  test('is taken as it is named', async () => {
    const stack = await findRunningStack('external', { ...external, HOME: '/' })
    assert.deepEqual(stack.environment, external)
    assert.deepEqual(stack.postgres.url, postgresUrl)
  })

  test('must be named whole', async () => {
    await assert.rejects(findRunningStack('external', { ...external, FANFARE_REDIS_URL: '' }), ConfigurationError)
  })
})

test('a database of one’s own is there until it is dropped, whoever is still connected', async () => {
  const name = `fanfare_test_${randomBytes(6).toString('hex')}`
  const database = await createOwnDatabase(postgresUrl, name)
  const client = new Client({ connectionString: database.url })
  // Being thrown out is what is asked for.
  client.on('error', () => {})
  await client.connect()
  const { rows } = await client.query('select current_database() as name')
  assert.deepEqual(rows, [{ name }])
  await database.drop()
  const late = new Client({ connectionString: database.url })
  await assert.rejects(late.connect(), { code: '3D000' })
  await client.end()
})
