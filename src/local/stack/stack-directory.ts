/**
 * The folders of one run of the stack: `<directory>/stacks/<id>/` with its logs and data, and, when PostgreSQL runs as
 * another user, one below the system's temporary folder that this user can reach.
 *
 * A stack that stops takes its data with it and leaves its logs. One whose owner was killed cannot, so each start
 * clears what dead owners left, and keeps the logs of the last few runs.
 */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { identifyProcess, mayBeAlive, type ProcessIdentity } from './process-table.ts'

export interface StackDirectory {
  /** The data of the parts that run as our own user. */
  data: string
  logs: string
  /** Where PostgreSQL's folder goes: within the data, or outside the checkout when it runs as another user. */
  postgresParent: string
  /** Removes all data, here and outside; the logs stay. May be called again. */
  removeData(): Promise<void>
  /** The same, blocking the thread. */
  removeDataSync(): void
}

const KEPT_LOGS_LIMIT = 5
const OWNER_FILE = 'owner.json'
const OTHERS_MAY_ENTER = 0o001

/** Creates the folders of a new stack owned by this process. */
export async function createStackDirectory(options: {
  directory: string
  postgresRunsAsOther: boolean
}): Promise<StackDirectory> {
  const stacks = join(options.directory, 'stacks')
  await mkdir(stacks, { recursive: true })
  await removeLeftovers(stacks)
  // The time first, so that names sort by age.
  const id = `${new Date()
    .toISOString()
    .replaceAll(/[^0-9T]/g, '')
    .slice(0, 15)}-${randomBytes(4).toString('hex')}`
  const home = join(stacks, id)
  const draft = join(stacks, `.${id}`)
  for (const name of ['data', 'logs']) await mkdir(join(draft, name), { recursive: true })
  await writeFile(join(draft, OWNER_FILE), JSON.stringify(identifyProcess(process.pid)))
  // Appears with its owner named: another stack that starts now and clears leftovers must not take it for one.
  await rename(draft, home)
  const data = join(home, 'data')
  const outside = outsideDirectory(await reachableTemporaryDirectory(), id)
  if (options.postgresRunsAsOther) {
    await mkdir(outside)
    // The umask may have taken away what the other user needs to pass.
    await chmod(outside, 0o755)
  }
  return {
    data,
    logs: join(home, 'logs'),
    postgresParent: options.postgresRunsAsOther ? outside : data,
    async removeData() {
      for (const path of [data, outside]) await rm(path, { recursive: true, force: true })
    },
    removeDataSync() {
      for (const path of [data, outside]) rmSync(path, { recursive: true, force: true })
    },
  }
}

/** The system's temporary folder; `/tmp` if the configured one lies where other users cannot go. */
export async function reachableTemporaryDirectory(): Promise<string> {
  for (let path = tmpdir(); path !== dirname(path); path = dirname(path)) {
    if (((await stat(path)).mode & OTHERS_MAY_ENTER) === 0) return '/tmp'
  }
  return tmpdir()
}

async function removeLeftovers(stacks: string): Promise<void> {
  const ids = (await readdir(stacks)).filter((name) => !name.startsWith('.')).toSorted()
  const abandoned: string[] = []
  for (const id of ids) {
    if (await isAbandoned(join(stacks, id))) abandoned.push(id)
  }
  const temporary = await reachableTemporaryDirectory()
  for (const [index, id] of abandoned.entries()) {
    const keepsLogs = index >= abandoned.length - KEPT_LOGS_LIMIT
    await removeIfOurs(join(stacks, id, ...(keepsLogs ? ['data'] : [])))
    await removeIfOurs(outsideDirectory(temporary, id))
  }
}

/** What another user left is that user's to remove, and what another start removes at this moment is gone anyway. */
async function removeIfOurs(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch {
    // A leftover costs room on the disk; it must not keep a stack from starting.
  }
}

async function isAbandoned(home: string): Promise<boolean> {
  try {
    return !mayBeAlive(JSON.parse(await readFile(join(home, OWNER_FILE), 'utf8')) as ProcessIdentity)
  } catch {
    // Being removed by somebody else, or damaged: without an owner it can be nobody's.
    return true
  }
}

function outsideDirectory(temporaryDirectory: string, id: string): string {
  return join(temporaryDirectory, `fanfare-stack-${id}`)
}
