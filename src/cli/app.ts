/**
 * `fanfare app create|rotate|disable|enable|list`: the services that may call the gateway, and their secrets.
 */
import { createHash, randomBytes } from 'node:crypto'
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { appKeyForm, appScopes, type AppScope } from '../domain/app.ts'
import { requestChannels, type RequestChannel } from '../domain/channel.ts'
import { requestNameForm } from '../domain/request-validation.ts'
import { createApp, listApps, rotateAppSecret, setAppDisabled } from '../postgres/apps.ts'
import { createHotPathPool, type HotPathPool } from '../postgres/hot-path-pool.ts'
import { appTable, secretText } from './app-text.ts'
import { durationArgument } from './event-arguments.ts'
import { exitCodes } from './exit-code.ts'
import { operatorOption } from './operator.ts'
import { wholeNumberArgument } from './whole-number.ts'

const rateByDefault = 50
const rateMax = 10_000
const graceByDefault = '24h'
const graceMaxMs = 30 * 86_400_000
/** 256 random bits: nothing that could be guessed, so that a plain hash of it may be kept. */
const secretBytes = 32
/** By which scanners for leaked secrets know it. */
const secretPrefix = 'ffs_'

export function appCommand(): Command {
  return new Command('app')
    .description('let services in at the gateway, change their secrets, shut them out')
    .addCommand(createCommand())
    .addCommand(rotateCommand())
    .addCommand(disableCommand())
    .addCommand(enableCommand())
    .addCommand(listCommand())
}

const keyArgument = () => new Argument('<app>', 'its key, which is the source of its notifications').argParser(appKey)

interface CreateFlags {
  scope: AppScope[]
  category?: string[]
  channel?: RequestChannel[]
  rate: number
  as: string
}

function createCommand(): Command {
  return new Command('create')
    .description('let a service in, and show its secret once')
    .addArgument(keyArgument())
    .addOption(new Option('--scope <scope...>', 'what it may do').choices(appScopes).default(['notifications:send']))
    .option('--category <name...>', 'the categories that it may send (default: all)', categoryArgument)
    .addOption(
      new Option('--channel <channel...>', 'the channels that it may send on (default: all)').choices(requestChannels),
    )
    .addOption(
      new Option('--rate <number>', 'requests that it may make in a second')
        .argParser(wholeNumberArgument(1, rateMax))
        .default(rateByDefault),
    )
    .addOption(operatorOption())
    .addHelpText(
      'after',
      '\nThe scope admin includes the others, and the notifications of every app. Only a hash of the secret is kept.\n\nExamples:\n  fanfare app create shop\n  fanfare app create login --category login-code --channel sms push --rate 200\n  fanfare app create crm --scope users:write notifications:send --as ada',
    )
    .action(async (key: string, { scope: scopes, category, channel, rate, as: operator }: CreateFlags) => {
      const secret = newSecret()
      const grants = { scopes, categories: category ?? null, channels: channel ?? null, rateLimitPerSecond: rate }
      const app = { appKey: key, ...grants, secretHash: hashOf(secret) }
      const action = { operator, action: 'app.create', target: key, choices: grants }
      const isCreated = await withPool((pool) => createApp(pool, app, action))
      if (!isCreated) return fail(`there is an app ${key}; \`fanfare app rotate\` gives it another secret`)
      process.stdout.write(secretText(key, secret))
    })
}

function rotateCommand(): Command {
  return new Command('rotate')
    .description('give a service another secret, and the old one an end')
    .addArgument(keyArgument())
    .addOption(
      new Option('--grace <duration>', 'how long the old secret goes on: 1h, 7d; 0s ends it at once')
        .argParser(graceArgument)
        .default(graceArgument(graceByDefault), graceByDefault),
    )
    .addOption(operatorOption())
    .addHelpText(
      'after',
      '\nTwo secrets are live at most. After a leak use --grace 0s: every older secret ends, within 5 seconds everywhere.\n\nExamples:\n  fanfare app rotate shop\n  fanfare app rotate shop --grace 0s --as ada',
    )
    .action(async (key: string, { grace: graceMs, as: operator }: { grace: number; as: string }) => {
      const secret = newSecret()
      const action = { operator, action: 'app.rotate', target: key, choices: { graceMs } }
      const rotation = await withPool((pool) =>
        rotateAppSecret(pool, { appKey: key, secretHash: hashOf(secret), graceMs }, action),
      )
      switch (rotation.kind) {
        case 'unknown_app':
          return fail(`there is no app ${key}`)
        case 'two_live':
          return fail(`${key} has two live secrets: wait for the older one’s end, or end both with --grace 0s`)
        case 'rotated':
          process.stdout.write(secretText(key, secret))
      }
    })
}

function disableCommand(): Command {
  return new Command('disable')
    .description('shut a service out, within 5 seconds everywhere')
    .addArgument(keyArgument())
    .addOption(operatorOption())
    .addHelpText(
      'after',
      '\nWhat it has sent goes on; `fanfare cancel` stops it.\n\nExample:\n  fanfare app disable shop --as ada',
    )
    .action((key: string, { as: operator }: { as: string }) => setDisabled(key, true, operator))
}

function enableCommand(): Command {
  return new Command('enable')
    .description('let a disabled service in again, with the secrets that it had')
    .addArgument(keyArgument())
    .addOption(operatorOption())
    .addHelpText('after', '\nExample:\n  fanfare app enable shop --as ada')
    .action((key: string, { as: operator }: { as: string }) => setDisabled(key, false, operator))
}

function listCommand(): Command {
  return new Command('list')
    .description('list every app, what it may do, and its secrets’ ends')
    .addHelpText('after', '\nExample:\n  fanfare app list')
    .action(async () => {
      const apps = await withPool(listApps)
      process.stdout.write(apps.length === 0 ? 'there is no app\n' : `${appTable(apps)}\n`)
    })
}

async function setDisabled(appKey: string, disabled: boolean, operator: string): Promise<void> {
  const action = { operator, action: disabled ? 'app.disable' : 'app.enable', target: appKey, choices: {} }
  const isFound = await withPool((pool) => setAppDisabled(pool, { appKey, disabled }, action))
  if (!isFound) return fail(`there is no app ${appKey}`)
  process.stdout.write(`${appKey} is ${disabled ? 'disabled' : 'enabled'}\n`)
}

function fail(sentence: string): void {
  process.stderr.write(`fanfare: ${sentence}\n`)
  process.exitCode = exitCodes.failure
}

function newSecret(): string {
  return secretPrefix + randomBytes(secretBytes).toString('base64url')
}

function hashOf(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest()
}

async function withPool<Result>(work: (pool: HotPathPool) => Promise<Result>): Promise<Result> {
  const { postgres } = readConfiguration(processEnvironment(), ['postgres'])
  const pool = createHotPathPool({ url: postgres.url, applicationName: 'fanfare-app', maxConnections: 1 })
  try {
    return await work(pool)
  } finally {
    await pool.close()
  }
}

function appKey(given: string): string {
  if (appKeyForm.test(given)) return given
  throw new InvalidArgumentError('It must be 1 to 64 lower-case letters, digits and ._-, and begin with no sign.')
}

function categoryArgument(given: string, others: string[] = []): string[] {
  if (requestNameForm.test(given)) return [...others, given]
  throw new InvalidArgumentError('It must be the name of a category.')
}

function graceArgument(given: string): number {
  const graceMs = durationArgument(given)
  if (graceMs <= graceMaxMs) return graceMs
  throw new InvalidArgumentError(`It must be at most ${graceMaxMs / 86_400_000}d.`)
}
