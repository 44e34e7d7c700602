/**
 * Everything that can be set, apart from the providers: sections of variables. A role reads the sections that it needs,
 * so a router starts without a provider's credentials and a migration without Kafka.
 */
import { channels, lanes } from '../domain/channel.ts'
import { logLevels } from '../telemetry/log.ts'
import {
  caps,
  hostsAndPorts,
  httpService,
  numberedKeys,
  oneOf,
  optionalBaseUrl,
  optionalUserId,
  secretKey,
  text,
  timeZone,
  url,
  wholeNumber,
  type ValueOf,
  type Variable,
} from './variable.ts'

/** Whose stack demo and tests run on: their own, the containers of docker-compose.yml, or what the environment names. */
export const stackKinds = ['local', 'docker', 'external'] as const
export type StackKind = (typeof stackKinds)[number]

export const sections = {
  kafka: {
    brokers: hostsAndPorts({ name: 'FANFARE_KAFKA_BROKERS', meaning: 'Kafka brokers to begin with' }),
  },
  topics: {
    prefix: text({
      name: 'FANFARE_TOPIC_PREFIX',
      meaning: 'Put before every topic and group, so that several Fanfares share a cluster; empty in production',
      pattern: /^[a-z0-9.-]{0,100}$/,
      expectation: 'at most 100 lower-case letters, digits, dots and hyphens',
      default: '',
    }),
  },
  consumer: {
    sessionTimeoutMs: wholeNumber({
      name: 'FANFARE_SESSION_TIMEOUT_MS',
      meaning: 'After this much silence the group hands a dead member’s partitions on: what a crash costs',
      // Below 6 s a broker with default settings refuses the member (group.min.session.timeout.ms).
      min: 6_000,
      max: 300_000,
      default: '10000',
    }),
    drainBudgetMs: wholeNumber({
      name: 'FANFARE_DRAIN_BUDGET_MS',
      meaning: 'At a stop, how long work in flight may finish; keep the grace period of the pod above it',
      min: 1_000,
      max: 300_000,
      default: '25000',
    }),
    chunkSize: wholeNumber({
      name: 'FANFARE_CHUNK_SIZE',
      meaning: 'Records that one round trip carries',
      min: 1,
      max: 500,
      default: '500',
    }),
  },
  registry: {
    service: httpService({
      name: 'FANFARE_REGISTRY_URL',
      meaning: 'Confluent-compatible API of the schema registry; user and password may stand in it',
    }),
  },
  postgres: {
    url: url({ name: 'FANFARE_POSTGRES_URL', meaning: 'PostgreSQL database', schemes: ['postgres', 'postgresql'] }),
    maxConnections: wholeNumber({
      name: 'FANFARE_POSTGRES_MAX_CONNECTIONS',
      meaning: 'Connections that one process holds at most',
      min: 1,
      max: 200,
      default: '10',
    }),
  },
  redis: {
    url: url({ name: 'FANFARE_REDIS_URL', meaning: 'Redis, for caches and counters', schemes: ['redis', 'rediss'] }),
  },
  admin: {
    host: text({
      name: 'FANFARE_ADMIN_HOST',
      // Loopback unless somebody says otherwise: the port asks nobody who they are. k8s/ says 0.0.0.0.
      meaning: 'Where /metrics, /livez and /readyz listen; they ask for no password, so only inside a cluster 0.0.0.0',
      pattern: /^[\w.:-]{1,255}$/,
      expectation: 'a host name or an IP address',
      default: '127.0.0.1',
    }),
    port: wholeNumber({
      name: 'FANFARE_ADMIN_PORT',
      meaning: 'Port of /metrics, /livez and /readyz; 0 takes any free one',
      min: 0,
      max: 65_535,
      default: '9464',
    }),
  },
  log: {
    level: oneOf({ name: 'FANFARE_LOG_LEVEL', meaning: 'The least that is logged', words: logLevels, default: 'info' }),
  },
  lane: {
    lane: oneOf({ name: 'FANFARE_LANE', meaning: 'The lane that a router, sender or retry role serves', words: lanes }),
  },
  channel: {
    channel: oneOf({ name: 'FANFARE_CHANNEL', meaning: 'The channel that a sender serves', words: channels }),
  },
  addresses: {
    hashKey: secretKey({
      name: 'FANFARE_ADDRESS_HASH_KEY',
      meaning: 'Key under which addresses are hashed for suppressions; the same everywhere and for good',
      minBytes: 32,
    }),
  },
  links: {
    edgeUrl: optionalBaseUrl({
      name: 'FANFARE_EDGE_URL',
      meaning: 'Where the world reaches the edge: what links in messages begin with; empty puts no links into messages',
    }),
    keys: numberedKeys({
      name: 'FANFARE_LINK_KEYS',
      meaning: 'Keys of the links in messages: the first signs, all verify; senders and edges need the same',
      minBytes: 32,
      keysMax: 8,
    }),
  },
  gateway: {
    host: text({
      name: 'FANFARE_GATEWAY_HOST',
      // Loopback unless somebody says otherwise, as for the admin port.
      meaning: 'Where the gateway listens for services',
      pattern: /^[\w.:-]{1,255}$/,
      expectation: 'a host name or an IP address',
      default: '127.0.0.1',
    }),
    port: wholeNumber({
      name: 'FANFARE_GATEWAY_PORT',
      meaning: 'Port of the gateway; 0 takes any free one',
      min: 0,
      max: 65_535,
      default: '8080',
    }),
    trustedProxies: wholeNumber({
      name: 'FANFARE_GATEWAY_TRUSTED_PROXIES',
      meaning: 'Proxies of ours in front of the gateway: so many entries of X-Forwarded-For are believed',
      min: 0,
      max: 10,
      default: '0',
    }),
  },
  edge: {
    host: text({
      name: 'FANFARE_EDGE_HOST',
      // Loopback unless somebody says otherwise, as for the admin port.
      meaning: 'Where the edge listens for the world',
      pattern: /^[\w.:-]{1,255}$/,
      expectation: 'a host name or an IP address',
      default: '127.0.0.1',
    }),
    port: wholeNumber({
      name: 'FANFARE_EDGE_PORT',
      meaning: 'Port of the edge; 0 takes any free one',
      min: 0,
      max: 65_535,
      default: '8088',
    }),
    trustedProxies: wholeNumber({
      name: 'FANFARE_EDGE_TRUSTED_PROXIES',
      meaning: 'Proxies of ours in front of the edge: so many entries of X-Forwarded-For are believed',
      min: 0,
      max: 10,
      default: '0',
    }),
  },
  routing: {
    userCaps: caps({
      name: 'FANFARE_USER_CAPS',
      meaning: 'What one person gets at most, over all categories but mandatory ones, in any span of the window',
      default: '',
    }),
    defaultZone: timeZone({
      name: 'FANFARE_DEFAULT_TIME_ZONE',
      meaning: 'Whose quiet hours hold for people about whose time zone and country nothing is known',
      default: 'UTC',
    }),
  },
  scheduler: {
    pacePerSecond: wholeNumber({
      name: 'FANFARE_SCHEDULER_PACE',
      meaning: 'Waiting notifications that one scheduler resumes a second, of each lane',
      min: 1,
      max: 100_000,
      default: '1000',
    }),
    maintainEveryMs: wholeNumber({
      name: 'FANFARE_MAINTAIN_EVERY_MS',
      meaning: 'Between two rounds of maintenance by the scheduler; one at a time over all schedulers',
      min: 1_000,
      max: 86_400_000,
      default: '600000',
    }),
  },
  canary: {
    everyMs: wholeNumber({
      name: 'FANFARE_CANARY_EVERY_MS',
      meaning: 'Between two canaries of a lane',
      min: 1_000,
      max: 3_600_000,
      default: '60000',
    }),
  },
  sender: {
    concurrency: wholeNumber({
      name: 'FANFARE_SENDER_CONCURRENCY',
      meaning: 'Provider calls that one sender has in flight at most, and so what its crash leaves ambiguous',
      min: 1,
      max: 10_000,
      default: '100',
    }),
    leaseMs: wholeNumber({
      name: 'FANFARE_LEASE_MS',
      meaning: 'How long a claimed delivery is left alone; must outlast the time-outs of all providers of the channel',
      min: 5_000,
      max: 600_000,
      default: '60000',
    }),
    onCallUserId: optionalUserId({
      name: 'FANFARE_ON_CALL_USER_ID',
      meaning: 'The user who is notified of failures that repeat, by the category fanfare-alert; empty: nobody',
    }),
  },
  stack: {
    kind: oneOf({
      name: 'FANFARE_STACK',
      meaning:
        'What the demo runs on: a stack of its own, the containers of docker-compose.yml, or the addresses above',
      words: stackKinds,
      default: 'local',
    }),
  },
} as const satisfies Record<string, Record<string, Variable>>

export type Sections = {
  [Name in keyof typeof sections]: {
    [Key in keyof (typeof sections)[Name]]: ValueOf<(typeof sections)[Name][Key]>
  }
}
