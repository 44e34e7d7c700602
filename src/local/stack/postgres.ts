/**
 * PostgreSQL with a fresh cluster, a database `fanfare` and a password of its own.
 *
 * It refuses to run as root, so then it runs as the user `postgres` (else `nobody`), from a copy of its programs and
 * with its data where that user can reach them. Losing a crash of the machine is fine here, so nothing waits for the
 * disk; a killed server still finds all that it committed.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { type Command, spawnOwned, type UnixUser } from './owned-process.ts'
import type { PartDefinition } from './part.ts'
import { StackFault } from './stack-fault.ts'

export interface PostgresOptions {
  /** Folder with PostgreSQL's `bin`, `lib` and `share`. */
  installation: string
  /** Folder of this PostgreSQL alone, which need not exist; its parents must let the user pass. */
  directory: string
  /** The user to run as, if not ours. */
  user: UnixUser | undefined
  setpriv: string
  logFile: string
}

export interface PostgresPart extends PartDefinition {
  /** The database's URL, its password included. */
  url(port: number): string
}

const SUPERUSER = 'postgres'
const DATABASE = 'fanfare'
const CONNECTIONS_LIMIT = 200
const PROBE_TIMEOUT_MS = 2_000

export function postgresPart(options: PostgresOptions): PostgresPart {
  const data = join(options.directory, 'data')
  const password = randomBytes(18).toString('base64url')
  const url = (port: number, database = DATABASE) => `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`

  /** A command of PostgreSQL's, run by its user from a folder that this user can enter. */
  function command(program: string, programArguments: readonly string[]): Command {
    return {
      program: join(options.installation, 'bin', program),
      arguments: programArguments,
      workingDirectory: options.directory,
      environment: { LANG: 'C.UTF-8', LD_LIBRARY_PATH: join(options.installation, 'lib') },
      ...(options.user === undefined ? {} : { user: options.user }),
    }
  }

  async function initialize(signal: AbortSignal): Promise<void> {
    const passwordFile = join(options.directory, 'password')
    await mkdir(options.directory, { mode: 0o700 })
    await writeFile(passwordFile, password, { mode: 0o600 })
    if (options.user !== undefined) {
      for (const path of [options.directory, passwordFile]) {
        await chown(path, options.user.userId, options.user.groupId)
      }
    }
    const initdb = spawnOwned(command('initdb', initdbArguments({ data, passwordFile })), options)
    const giveUp = () => initdb.signal('SIGKILL')
    signal.addEventListener('abort', giveUp)
    const { code } = await initdb.exited
    signal.removeEventListener('abort', giveUp)
    await rm(passwordFile)
    if (code !== 0) throw new StackFault('part_failed', `initdb ended with code ${code}, see ${options.logFile}`)
  }

  return {
    name: 'postgres',
    portCount: 1,
    // Fast shutdown disconnects clients and writes a checkpoint; immediate skips that, and still frees shared memory.
    restartSignal: 'SIGINT',
    discardSignal: 'SIGQUIT',
    url,
    async prepare([port = 0], signal) {
      if (!existsSync(options.directory)) await initialize(signal)
      return command('postgres', ['-D', data, ...serverSettings(port)])
    },
    isReady: ([port = 0]) => hasDatabase(url(port, SUPERUSER)),
  }
}

/**
 * The user that PostgreSQL must run as because root may not: `postgres` if the system has it, else `nobody`.
 * Undefined when this process is not root: then PostgreSQL runs as our own user.
 */
export async function unprivilegedUser(): Promise<UnixUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const account = accounts.find(([accountName]) => accountName === name)
    if (account !== undefined) return { userId: Number(account[2]), groupId: Number(account[3]) }
  }
  throw new StackFault('prerequisite_missing', 'PostgreSQL refuses to run as root; create a user named postgres')
}

function initdbArguments(files: { data: string; passwordFile: string }): string[] {
  return [
    `--pgdata=${files.data}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${files.passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    // Needs no locale of the system's, and knows upper and lower case beyond ASCII.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-sync',
  ]
}

function serverSettings(port: number): string[] {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: CONNECTIONS_LIMIT,
    timezone: 'UTC',
    fsync: 'off',
    full_page_writes: 'off',
    // Files in the data folder instead of /dev/shm, where a killed server would leave them for ever.
    dynamic_shared_memory_type: 'mmap',
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** True once the server takes connections and our database exists, which the first answer creates. */
async function hasDatabase(superuserUrl: string): Promise<boolean> {
  const client = new Client({ connectionString: superuserUrl, connectionTimeoutMillis: PROBE_TIMEOUT_MS })
  // A connection that breaks later than its first failure is reported as an event, which must have a listener.
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE])
    if (rowCount === 0) await client.query(`create database ${DATABASE}`)
    return true
  } finally {
    await client.end()
  }
}
