import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { configurationVariables, readConfiguration, type SectionName } from '../../../src/config.ts'
import { ConfigurationError, type ConfigurationFault } from '../../../src/configuration/configuration-fault.ts'
import type { Environment } from '../../../src/configuration/environment.ts'

const hashKey = 'ab'.repeat(32)
const twilio = {
  FANFARE_TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
  FANFARE_TWILIO_AUTH_TOKEN: 'token',
  FANFARE_TWILIO_FROM: '+4915112345678',
}
const smsSender = { FANFARE_CHANNEL: 'sms', ...twilio }

function faultsOf(environment: Environment, sections: readonly SectionName[]): readonly ConfigurationFault[] {
  try {
    readConfiguration(environment, sections)
  } catch (error) {
    assert.ok(error instanceof ConfigurationError)
    return error.faults
  }
  return []
}

describe('the configuration', () => {
  test('of a router needs no provider, and has the documented defaults', () => {
    const configuration = readConfiguration(
      { FANFARE_KAFKA_BROKERS: 'one:9092, two:9092', FANFARE_LANE: 'bulk', HOME: '/' },
      ['kafka', 'topics', 'consumer', 'admin', 'log', 'lane'],
    )
    assert.deepEqual(configuration, {
      kafka: { brokers: ['one:9092', 'two:9092'] },
      topics: { prefix: '' },
      consumer: { sessionTimeoutMs: 10_000, drainBudgetMs: 25_000, chunkSize: 500 },
      admin: { host: '127.0.0.1', port: 9464 },
      log: { level: 'info' },
      lane: { lane: 'bulk' },
    })
  })

  test('reports every fault at once, with variable, expectation and received value', () => {
    const faults = faultsOf(
      { FANFARE_KAFKA_BROKERS: 'no-port', FANFARE_CHUNK_SIZE: '501', FANFARE_LANE: 'slow', FANFARE_ADMIN_PORT: '' },
      ['kafka', 'consumer', 'registry', 'admin', 'lane'],
    )
    assert.deepEqual(faults, [
      {
        variable: 'FANFARE_KAFKA_BROKERS',
        expectation: 'one or more host:port, separated by commas',
        received: '"no-port"',
      },
      { variable: 'FANFARE_CHUNK_SIZE', expectation: 'a whole number from 1 to 500', received: '"501"' },
      {
        variable: 'FANFARE_REGISTRY_URL',
        expectation: 'a URL beginning with http:// or https://',
        received: 'nothing',
      },
      { variable: 'FANFARE_LANE', expectation: 'one of transactional, bulk', received: '"slow"' },
    ])
  })

  test('of links takes several keys by number, the first of which signs', () => {
    const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(40, 2)]
    const FANFARE_LINK_KEYS = `7:${first.toString('base64')}, 0:${second.toString('base64')}`
    const { links } = readConfiguration({ FANFARE_EDGE_URL: 'https://Links.example.com/n/', FANFARE_LINK_KEYS }, [
      'links',
    ])
    assert.equal(links.edgeUrl, 'https://links.example.com/n')
    assert.deepEqual(
      links.keys.map(({ id, secret }) => [id, Buffer.from(secret)]),
      [
        [7, first],
        [0, second],
      ],
    )
    assert.deepEqual(readConfiguration({}, ['links']).links, { edgeUrl: '', keys: [] })
  })

  test('of links refuses keys that are too short, too many or numbered twice, and an address with more than a path', () => {
    const key = Buffer.alloc(32, 1).toString('base64')
    const refused = [
      '1',
      key,
      `:${key}`,
      `256:${key}`,
      `-1:${key}`,
      `1:${key},1:${key}`,
      `1:${Buffer.alloc(31).toString('base64')}`,
      `1:not base64!`,
      Array.from({ length: 9 }, (_, id) => `${id}:${key}`).join(','),
    ]
    for (const FANFARE_LINK_KEYS of refused) {
      const [fault, ...more] = faultsOf({ FANFARE_LINK_KEYS }, ['links'])
      assert.deepEqual([fault?.variable, fault?.received, more], ['FANFARE_LINK_KEYS', '[redacted]', []])
    }
    for (const FANFARE_EDGE_URL of [
      'links.example.com',
      'ftp://a.example',
      'https://a.example/?b',
      'https://a:b@c.example',
    ]) {
      const faults = faultsOf({ FANFARE_EDGE_URL, FANFARE_LINK_KEYS: `1:${key}` }, ['links'])
      assert.deepEqual(
        faults.map(({ variable }) => variable),
        ['FANFARE_EDGE_URL'],
        FANFARE_EDGE_URL,
      )
    }
  })

  test('of links wants a key where links are to be made: nobody would notice that there are none', () => {
    assert.deepEqual(faultsOf({ FANFARE_EDGE_URL: 'https://links.example.com' }, ['links']), [
      { variable: 'FANFARE_LINK_KEYS', expectation: 'a key, since FANFARE_EDGE_URL is set', received: 'nothing' },
    ])
  })

  test('never shows a secret, a credential in a URL, or what may be one', () => {
    const environment = {
      FANFARE_ADDRESS_HASH_KEY: 'SENSITIVE',
      FANFARE_POSTGRES_URL: 'mysql://user:SENSITIVE@db/fanfare?password=SENSITIVE',
      FANFARE_REGISTRY_URL: 'user:SENSITIVE@registry',
      FANFARE_REDIS_URL: 'http://user:1/SENSITIVE@redis',
      FANFARE_APNS_SIGNING_KEY: 'SENSITIVE',
      FANFARE_APNS_CA: 'SENSITIVE',
      FANFARE_FCM_SERVICE_ACCOUNT: '{"private_key":"SENSITIVE"}',
      FANFARE_SENDGRID_API_KEY: 'SENSITIVE',
      FANFARE_TWILIO_AUTH_TOKENS: 'SENSITIVE',
    }
    const faults = faultsOf(environment, ['addresses', 'postgres', 'registry', 'redis', 'providers'])
    for (const name of Object.keys(environment)) {
      assert.ok(
        faults.some(({ variable }) => variable === name),
        name,
      )
    }
    const message = new ConfigurationError(faults).message
    assert.doesNotMatch(message, /SENSITIVE/)
    assert.match(message, /mysql:\/\/\[redacted\]@db\/fanfare\?\[redacted\]/)
  })

  test('refuses a variable that nobody knows and names those that it may have meant', () => {
    const [fault] = faultsOf({ FANFARE_KAFKA_BROKER: 'one:9092' }, ['log'])
    assert.equal(fault?.expectation, 'no variable of this name; did you mean FANFARE_KAFKA_BROKERS?')
    const [strange] = faultsOf({ FANFARE_SOMETHING_ELSE_ENTIRELY: '1' }, ['log'])
    assert.equal(strange?.expectation, 'no variable of this name')
  })

  test('knows the variables of sections that are not read', () => {
    assert.deepEqual(faultsOf({ FANFARE_LANE: 'nonsense', FANFARE_APNS_KEY_ID: 'x' }, ['log']), [])
  })

  test('takes a hash key as hex or base64 and none that is shorter than 32 bytes', () => {
    const bytes = Buffer.from(hashKey, 'hex')
    for (const key of [hashKey, bytes.toString('base64'), bytes.toString('base64url')]) {
      const { addresses } = readConfiguration({ FANFARE_ADDRESS_HASH_KEY: key }, ['addresses'])
      assert.deepEqual(Buffer.from(addresses.hashKey), bytes)
    }
    for (const short of [
      hashKey.slice(2),
      bytes.subarray(1).toString('base64'),
      'a passphrase of more than 32 letters',
    ]) {
      assert.equal(faultsOf({ FANFARE_ADDRESS_HASH_KEY: short }, ['addresses']).length, 1, short)
    }
  })

  test('takes the user on call as an id, and nobody where none is said', () => {
    const onCall = (id: string) => readConfiguration({ FANFARE_ON_CALL_USER_ID: id }, ['sender']).sender.onCallUserId
    assert.deepEqual([onCall('17'), onCall('')], [17, null])
    for (const wrong of ['0', '-1', 'ada', '1.5', '9007199254740993']) {
      const [fault] = faultsOf({ FANFARE_ON_CALL_USER_ID: wrong }, ['sender'])
      assert.equal(fault?.variable, 'FANFARE_ON_CALL_USER_ID', wrong)
    }
  })

  test('keeps the credentials of the registry apart from its URL', () => {
    const { registry } = readConfiguration({ FANFARE_REGISTRY_URL: 'https://user:p%40ss@registry:8081/api/' }, [
      'registry',
    ])
    assert.deepEqual(registry.service, { url: 'https://registry:8081/api', username: 'user', password: 'p@ss' })
  })
})

describe('the configuration of a sender', () => {
  test('needs the providers of its own channel only', () => {
    const { providers } = readConfiguration(smsSender, ['channel', 'providers'])
    assert.deepEqual([providers.ios, providers.android, providers.email], [[], [], []])
    const [only, ...others] = providers.sms
    assert.equal(others.length, 0)
    assert.equal(only?.name, 'twilio')
    assert.equal(only?.settings.timeoutMs, 10_000)
  })

  test('without a channel needs the providers of all of them', () => {
    const blamed = faultsOf(twilio, ['providers']).map(({ variable }) => variable)
    for (const vendor of ['APNS', 'FCM', 'SENDGRID']) {
      assert.ok(
        blamed.some((variable) => variable.startsWith(`FANFARE_${vendor}_`)),
        vendor,
      )
    }
    assert.ok(!blamed.some((variable) => variable.startsWith('FANFARE_TWILIO_')))
  })

  test('refuses an order with a provider of another channel, or with one twice', () => {
    for (const order of ['apns', 'twilio,twilio', ',']) {
      const [fault] = faultsOf({ ...smsSender, FANFARE_PROVIDERS_SMS: order }, ['channel', 'providers'])
      assert.equal(fault?.variable, 'FANFARE_PROVIDERS_SMS', order)
    }
  })

  test('refuses a lease that its providers’ time-outs could outlast', () => {
    const sections = ['channel', 'providers', 'sender'] as const
    const [fault] = faultsOf({ ...smsSender, FANFARE_LEASE_MS: '12000' }, sections)
    assert.equal(fault?.variable, 'FANFARE_LEASE_MS')
    assert.match(fault.expectation, /^more than 12000,/)
    assert.deepEqual(faultsOf({ ...smsSender, FANFARE_LEASE_MS: '12001' }, sections), [])
  })

  test('says of an endpoint that is no URL what it should be', () => {
    for (const vendor of ['APNS', 'FCM', 'TWILIO', 'SENDGRID']) {
      const faults = faultsOf({ [`FANFARE_${vendor}_ENDPOINT`]: 'nonsense' }, ['providers'])
      assert.ok(
        faults.some(({ variable }) => variable === `FANFARE_${vendor}_ENDPOINT`),
        vendor,
      )
    }
  })
})

describe('every variable of a range', () => {
  for (const { name, section, expectation } of configurationVariables) {
    const range = /whole number .*?from (\d+) to (\d+)/.exec(expectation)
    if (range === null) continue
    test(`${name} ends where it says`, () => {
      const [, min, max] = range.map(Number)
      const isBlamed = (value: number) =>
        faultsOf({ [name]: String(value) }, [section]).some(({ variable }) => variable === name)
      assert.deepEqual([min! - 1, min!, max!, max! + 1].map(isBlamed), [true, false, false, true])
    })
  }
})
