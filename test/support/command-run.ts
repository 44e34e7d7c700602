/**
 * A command as an operator runs it: a process of its own, against the world of a pipeline.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { Pipeline } from './pipeline.ts'
import { readStackEnvironment } from './stack-environment.ts'

export interface CommandRun {
  code: number | null
  stdout: string
  stderr: string
}

const projectFolder = join(import.meta.dirname, '../..')
const limitMs = 60_000

/**
 * Runs `fanfare <args>` to its end. The FANFARE_* variables of this process are not passed on.
 * @param terminateAt SIGTERM follows once this has been printed.
 * @param environment on top of what leads to the pipeline's world.
 */
export function runCommand(
  { topics, database }: Pipeline,
  args: readonly string[],
  { terminateAt, environment = {} }: { terminateAt?: RegExp; environment?: Readonly<Record<string, string>> } = {},
): Promise<CommandRun> {
  const { brokers, registryUrl } = readStackEnvironment()
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('FANFARE_'))
  const env = {
    ...Object.fromEntries(own),
    FANFARE_KAFKA_BROKERS: brokers.join(','),
    FANFARE_TOPIC_PREFIX: topics.usersChanged.slice(0, -'users.changed'.length),
    FANFARE_REGISTRY_URL: registryUrl,
    FANFARE_POSTGRES_URL: database.url,
    ...environment,
  }
  return new Promise((resolve) => {
    const options = { cwd: projectFolder, env, timeout: limitMs }
    const child = execFile(process.execPath, ['src/main.ts', ...args], options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    )
    let printed = ''
    child.stdout?.on('data', (text: string) => {
      printed += text
      if (terminateAt?.test(printed)) child.kill('SIGTERM')
    })
  })
}
