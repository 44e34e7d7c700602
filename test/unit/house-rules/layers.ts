/**
 * The dependency rule: who may import whom, and through which door each outside system is reached. Every rule has the
 * reason that its failure prints.
 */
import { packageOf, type SourceFile } from './source-tree.ts'

interface Layer {
  /** Layers that this one may import besides itself. */
  mayImport: readonly string[]
  reason: string
}

const everything = [
  'domain',
  'telemetry',
  'services',
  'providers',
  'kafka',
  'postgres',
  'redis',
  'http',
  'local',
  'config',
]

/** A layer is a folder of src/; config.ts with its folder configuration/ is one, and main.ts is one. */
const layers: Record<string, Layer> = {
  domain: { mayImport: [], reason: 'rules that depend on nothing are tested without anything and reused anywhere' },
  telemetry: { mayImport: ['domain'], reason: 'everything imports it, so whatever it knew, everything would know' },
  services: {
    mayImport: ['domain', 'telemetry'],
    reason: 'a stage declares the small interfaces it needs and a role hands it the adapters',
  },
  providers: { mayImport: ['domain', 'telemetry'], reason: 'a vendor is added and removed as one folder' },
  kafka: { mayImport: ['domain', 'telemetry'], reason: 'an adapter knows neither services nor other adapters' },
  postgres: { mayImport: ['domain', 'telemetry'], reason: 'an adapter knows neither services nor other adapters' },
  redis: { mayImport: ['domain', 'telemetry'], reason: 'an adapter knows neither services nor other adapters' },
  http: { mayImport: ['domain', 'telemetry'], reason: 'an adapter knows neither services nor other adapters' },
  local: {
    mayImport: ['domain', 'telemetry'],
    reason: 'it stands in for the outside world: sharing code with what it tests, it would share its mistakes',
  },
  config: {
    mayImport: ['domain', 'telemetry', 'providers'],
    reason: 'it knows what can be set (a provider says so itself), not what is done with it',
  },
  roles: { mayImport: everything, reason: 'a role wires everything, and no command' },
  cli: { mayImport: [...everything, 'roles'], reason: 'a command wires everything' },
  main: { mayImport: [...everything, 'roles', 'cli'], reason: 'the entry dispatches to roles and commands' },
}

/** What one part of a layer may import besides: the path that it begins with, and why. */
const besides: readonly { path: string; mayImport: string; reason: string }[] = [
  {
    path: 'src/services/gateway/',
    mayImport: 'http',
    reason: 'its routes are HTTP, and refuse as http/problem.ts does',
  },
  { path: 'src/services/edge/', mayImport: 'http', reason: 'its routes are HTTP, and refuse as http/problem.ts does' },
]

/** The one door of each outside system: the paths under src/ that may load its package, type imports aside. */
const doors: Record<string, { paths: readonly string[]; reason: string }> = {
  kafkajs: {
    paths: ['kafka/kafkajs.ts', 'local/stack/'],
    reason:
      'its quadratic grouping is replaced there; a second door would bring it back (the stack only asks for readiness)',
  },
  '@kafkajs/confluent-schema-registry': { paths: ['kafka/'], reason: 'Kafka and its registry are one adapter' },
  pg: { paths: ['postgres/', 'local/stack/'], reason: 'Postgres is spoken to by its adapter' },
  knex: { paths: ['postgres/'], reason: 'Postgres is spoken to by its adapter' },
  ioredis: { paths: ['redis/', 'local/stack/'], reason: 'Redis is spoken to by its adapter' },
  'firebase-admin': { paths: ['providers/fcm/'], reason: 'a vendor is one folder' },
  '@parse/node-apn': { paths: ['providers/apns/'], reason: 'a vendor is one folder' },
  twilio: { paths: ['providers/twilio/'], reason: 'a vendor is one folder' },
  '@sendgrid/client': { paths: ['providers/sendgrid/'], reason: 'a vendor is one folder' },
  '@sendgrid/mail': { paths: ['providers/sendgrid/'], reason: 'a vendor is one folder' },
  pino: { paths: ['telemetry/'], reason: 'only telemetry/log.ts knows what must not be logged' },
  'prom-client': {
    paths: ['telemetry/'],
    reason: 'names and labels are declared together, where they can be compared',
  },
  mjml: {
    paths: ['services/templates/email-html.ts'],
    reason: 'it takes longer to load than a role to start, and only publishing needs it',
  },
  fastify: { paths: ['http/'], reason: 'limits, refusals and the stop of both doors are set up there once' },
  commander: { paths: ['cli/', 'roles/', 'main.ts'], reason: 'command lines end at the edge' },
}

/** All that domain/ may import from outside. Time zones and phone numbers are data with rules: pure, and not ours. */
const packagesOfDomain = ['luxon', 'libphonenumber-js']

/** What services/ may import from outside: computation. Whatever reaches out of the process belongs to an adapter. */
const packagesOfServices = [
  ...packagesOfDomain,
  'liquidjs',
  'lru-cache',
  'mjml',
  'yaml',
  'zod',
  'node:crypto',
  'node:events',
]

/** One sentence per breach of the dependency rule. */
export function layerBreaches(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const layer = layerOf(file.path)
    const rule = layers[layer]
    if (rule === undefined) return [`${file.path}: src/${layer} has no row in the table of layers`]
    return [...ownBreaches(file, layer, rule), ...packageBreaches(file, layer)]
  })
}

function layerOf(path: string): string {
  const [, first = ''] = path.split('/')
  if (first === 'configuration') return 'config'
  return first.replace(/\.ts$/, '')
}

function ownBreaches({ path, imports }: SourceFile, layer: string, { mayImport, reason }: Layer): string[] {
  return imports
    .filter(({ own, target }) => own && target.startsWith('src/'))
    .flatMap(({ target }) => {
      const targetLayer = layerOf(target)
      if (targetLayer !== layer) {
        const isExcepted = besides.some((each) => path.startsWith(each.path) && each.mayImport === targetLayer)
        if (!mayImport.includes(targetLayer) && !isExcepted) return [`${path} imports ${target}: ${reason}`]
        if (layer === 'config' && targetLayer === 'providers' && !target.endsWith('/config.ts'))
          return [`${path} imports ${target}: of a provider it reads what can be set, config.ts, and no more`]
        return []
      }
      const [vendor, otherVendor] = [path, target].map(vendorOf)
      if (layer === 'providers' && otherVendor !== undefined && vendor !== otherVendor)
        return [`${path} imports ${target}: each vendor's folder must be removable alone`]
      return []
    })
}

/** The vendor's folder of a file in providers/, undefined for what vendors share. */
function vendorOf(path: string): string | undefined {
  return /^src\/providers\/([^/]+)\//.exec(path)?.[1]
}

function packageBreaches({ path, imports }: SourceFile, layer: string): string[] {
  return imports
    .filter(({ own }) => !own)
    .flatMap(({ target, typeOnly }) => {
      const name = packageOf(target)
      if (layer === 'domain' && !packagesOfDomain.includes(name))
        return [`${path} imports ${name}: domain/ is pure, no I/O, no clock, no randomness; hashing is passed in`]
      if (layer === 'services' && !typeOnly && !packagesOfServices.includes(name))
        return [`${path} imports ${name}: services/ compute; what reaches out of the process belongs to an adapter`]
      const door = doors[name]
      if (door === undefined || typeOnly || door.paths.some((allowed) => path.startsWith(`src/${allowed}`))) return []
      return [`${path} imports ${name} past its door (${door.paths.join(', ')}): ${door.reason}`]
    })
}

/** Every import cycle, each once, as the chain of its files. Type imports count: they bind readers as much. */
export function importCycles(files: readonly SourceFile[]): string[] {
  const importsOf = new Map(files.map(({ path, imports }) => [path, imports.filter(({ own }) => own)]))
  const finished = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, chain: readonly string[]): void => {
    if (finished.has(path)) return
    const start = chain.indexOf(path)
    if (start !== -1) {
      cycles.push([...chain.slice(start), path].join(' → '))
      return
    }
    for (const { target } of importsOf.get(path) ?? []) visit(target, [...chain, path])
    finished.add(path)
  }
  for (const { path } of files) visit(path, [])
  return cycles
}
