/**
 * The process's configuration, and the only reader of its environment.
 *
 * Everything comes from FANFARE_* variables. A role names the sections it needs and gets them whole or not at all: every
 * fault is found before anything is opened, and all of them are reported at once. A FANFARE_* variable that nobody knows
 * is a fault too, because a misspelt setting that is silently ignored is found out in production.
 */
import type { z } from 'zod'
import { channels, type Channel } from './domain/channel.ts'
import { answerGraceMs } from './domain/provider.ts'
import { ConfigurationError, nearNames, shown, type ConfigurationFault } from './configuration/configuration-fault.ts'
import type { Environment } from './configuration/environment.ts'
import {
  providerOrder,
  providerSettings,
  settingVariable,
  webhookSettings,
  type ConfiguredProvider,
  type ConfiguredWebhooks,
  type ProviderName,
  type SettingDescription,
} from './configuration/provider-settings.ts'
import { sections, type Sections } from './configuration/sections.ts'
import type { Variable } from './configuration/variable.ts'

export interface Configuration extends Sections {
  /** By channel, most preferred first. Only the sender's own channel when `channel` is read too; else all. */
  providers: Record<Channel, ConfiguredProvider[]>
  /** Of every provider that reports by webhook, whether its keys are set or not. */
  webhooks: ConfiguredWebhooks[]
}
export type SectionName = keyof Configuration

/** The environment this process was started with. */
export function processEnvironment(): Environment {
  return process.env
}

/**
 * Reads the sections from the environment.
 * @throws ConfigurationError with every fault of these sections, and every unknown FANFARE_* variable.
 */
export function readConfiguration<const Name extends SectionName>(
  environment: Environment,
  names: readonly Name[],
): Pick<Configuration, Name> {
  const faults: ConfigurationFault[] = unknownVariables(environment)
  const values: Partial<Record<SectionName, Record<string, unknown>>> = {}
  for (const name of Object.keys(sections) as (keyof Sections)[]) {
    if (!isAmong(names, name)) continue
    values[name] = readSection(environment, sections[name], faults)
  }
  if (isAmong(names, 'providers')) {
    const own = values.channel?.['channel'] as Channel | undefined
    const served = !isAmong(names, 'channel') ? channels : own === undefined ? [] : [own]
    const providers = readProviders(environment, served, faults)
    faults.push(...leaseFaults(environment, values.sender?.['leaseMs'], providers))
    values.providers = providers
  }
  const webhooks = isAmong(names, 'webhooks') ? { webhooks: readWebhooks(environment, faults) } : {}
  faults.push(...linkFaults(values.links))
  if (faults.length > 0) throw new ConfigurationError(faults)
  // Without a fault every section asked for holds what the schemas of its variables promise.
  return { ...values, ...webhooks } as Pick<Configuration, Name>
}

function isAmong(names: readonly SectionName[], name: SectionName): boolean {
  return names.includes(name)
}

function readSection(
  environment: Environment,
  section: Readonly<Record<string, Variable>>,
  faults: ConfigurationFault[],
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(section).map(([key, variable]) => [key, readVariable(environment, variable, faults)]),
  )
}

function readVariable<Value>(
  environment: Environment,
  variable: Variable<Value>,
  faults: ConfigurationFault[],
): Value | undefined {
  const given = valueOf(environment, variable.name)
  const parsed = variable.schema.safeParse(given ?? variable.default)
  if (parsed.success) return parsed.data
  const { name, expectation, secret } = variable
  faults.push({ variable: name, expectation, received: shown(given, secret) })
  return undefined
}

/** Empty text counts as absent: compose files and Kubernetes write an unset variable so. */
function valueOf(environment: Environment, name: string): string | undefined {
  const value = environment[name]
  return value === '' ? undefined : value
}

function readProviders(
  environment: Environment,
  served: readonly Channel[],
  faults: ConfigurationFault[],
): Record<Channel, ConfiguredProvider[]> {
  const providers: Record<Channel, ConfiguredProvider[]> = { ios: [], android: [], sms: [], email: [] }
  for (const channel of served) {
    const order: Variable<ProviderName[]> = providerOrder[channel]
    for (const name of readVariable(environment, order, faults) ?? []) {
      const provider = readProvider(environment, name, faults)
      if (provider !== undefined) providers[channel].push(provider)
    }
  }
  return providers
}

function readProvider(
  environment: Environment,
  name: ProviderName,
  faults: ConfigurationFault[],
): ConfiguredProvider | undefined {
  const { schema, variables } = providerSettings[name]
  const settings = readSettings(environment, { name, schema, keys: Object.keys(variables) }, faults)
  // The schema and the name come from the same row of the table.
  return settings === undefined ? undefined : ({ name, settings } as ConfiguredProvider)
}

function readWebhooks(environment: Environment, faults: ConfigurationFault[]): ConfiguredWebhooks[] {
  return (Object.keys(webhookSettings) as ConfiguredWebhooks['name'][]).flatMap((name) => {
    const schema = webhookSettings[name]
    const settings = readSettings(environment, { name, schema, keys: Object.keys(schema.shape) }, faults)
    return settings === undefined ? [] : [{ name, settings } as ConfiguredWebhooks]
  })
}

function readSettings(
  environment: Environment,
  { name, schema, keys }: { name: ProviderName; schema: z.ZodType; keys: readonly string[] },
  faults: ConfigurationFault[],
): unknown {
  const given = Object.fromEntries(keys.map((key) => [key, valueOf(environment, settingVariable(name, key))]))
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const told = new Set(faults.map(({ variable }) => variable))
  // A process that sends and takes webhooks reads some settings twice.
  faults.push(...settingFaults(name, given, parsed.error.issues).filter(({ variable }) => !told.has(variable)))
  return undefined
}

/** A fault for each setting that is wrong; the rules over several settings name one of them. */
function settingFaults(
  name: ProviderName,
  given: Readonly<Record<string, string | undefined>>,
  issues: readonly z.core.$ZodIssue[],
): ConfigurationFault[] {
  const faults = new Map<string, ConfigurationFault>()
  for (const { path, message } of issues) {
    const key = String(path[0])
    const described = Object.entries<SettingDescription>(providerSettings[name].variables).find(([own]) => own === key)
    if (described === undefined) throw new Error(`the settings of ${name} blame ${key}, which is no variable`)
    const [, { expectation, secret }] = described
    const received = shown(given[key], secret)
    const said = expectationOf(message)
    faults.set(key, { variable: settingVariable(name, key), expectation: said ?? expectation, received })
  }
  return [...faults.values()]
}

/** Providers write `expected …` where they know more than the table, such as the code of a file that cannot be read. */
function expectationOf(message: string): string | undefined {
  return /^expected (.+)$/.exec(message)?.[1]
}

/** A lease that ends while a call may still succeed would let a second sender make the same call. */
function leaseFaults(
  environment: Environment,
  leaseMs: unknown,
  providers: Configuration['providers'],
): ConfigurationFault[] {
  const budgets = Object.values(providers).map((ofChannel) =>
    ofChannel.reduce((sumMs, { settings }) => sumMs + settings.timeoutMs, 0),
  )
  // With less than a whole call left of it a lease is renewed first: one this short would be renewed before every call.
  const budgetMs = Math.max(...budgets) + answerGraceMs
  if (typeof leaseMs !== 'number' || leaseMs > budgetMs) return []
  const { name, secret } = sections.sender.leaseMs
  const expectation = `more than ${budgetMs}, the time-outs of all providers of a channel together and ${answerGraceMs} for the answer`
  return [{ variable: name, expectation, received: shown(valueOf(environment, name) ?? String(leaseMs), secret) }]
}

/** Links that nobody can sign would be left out in silence. */
function linkFaults(links: Record<string, unknown> | undefined): ConfigurationFault[] {
  const { edgeUrl, keys } = links ?? {}
  if (typeof edgeUrl !== 'string' || edgeUrl === '' || !Array.isArray(keys) || keys.length > 0) return []
  const { name, secret } = sections.links.keys
  const expectation = `a key, since ${sections.links.edgeUrl.name} is set`
  return [{ variable: name, expectation, received: shown(undefined, secret) }]
}

function unknownVariables(environment: Environment): ConfigurationFault[] {
  const known = configurationVariables.map(({ name }) => name)
  return Object.keys(environment)
    .filter((name) => name.startsWith('FANFARE_') && !known.includes(name as Variable['name']))
    .map((name) => {
      const near = nearNames(name, known)
      const meant = near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`
      // Whatever was meant may be secret.
      return { variable: name, expectation: `no variable of this name${meant}`, received: '[redacted]' }
    })
}

/** One variable as docs/configuration.md shows it. */
export interface VariableDescription {
  name: Variable['name']
  /** The section of `readConfiguration` that reads it; a provider's settings belong to `providers`. */
  section: SectionName
  meaning: string
  expectation: string
  /** Undefined where there is none; then it must be set, unless it is optional. */
  default: string | undefined
  optional: boolean
  secret: Variable['secret']
}

/** Every variable there is. */
export const configurationVariables: readonly VariableDescription[] = [
  ...(Object.keys(sections) as (keyof Sections)[]).flatMap((section) =>
    Object.values<Variable>(sections[section]).map((variable) => describe(section, variable)),
  ),
  ...Object.values(providerOrder).map((variable) => describe('providers', variable)),
  ...(Object.keys(providerSettings) as ProviderName[]).flatMap(describeSettings),
]

function describe(section: SectionName, variable: Omit<Variable, 'schema'>): VariableDescription {
  const { name, meaning, expectation, secret } = variable
  return { name, section, meaning, expectation, default: variable.default, optional: false, secret }
}

function describeSettings(provider: ProviderName): VariableDescription[] {
  const { schema, variables } = providerSettings[provider]
  return Object.entries<SettingDescription>(variables).map(([key, described]) => {
    // What a schema makes of nothing tells whether it needs something.
    const absent = (schema.shape[key] as z.ZodType | undefined)?.safeParse(undefined)
    const byDefault: unknown = absent?.success === true ? absent.data : undefined
    return {
      name: settingVariable(provider, key),
      section: 'providers',
      ...described,
      default: typeof byDefault === 'string' || typeof byDefault === 'number' ? String(byDefault) : undefined,
      optional: absent?.success === true && byDefault === undefined,
    }
  })
}
