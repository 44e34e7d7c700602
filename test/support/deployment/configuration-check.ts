/**
 * Starts a role as far as its configuration: in this process, with an admin port that is taken, so that a role that
 * likes its environment ends before it opens anything.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { ConfigurationError } from '../../../src/configuration/configuration-fault.ts'
import type { RunRole } from '../../../src/roles/role.ts'

export interface ConfigurationCheck {
  /** One line each; empty where the role would start. */
  faults: string[]
  /** The variables that the role looked at, set or not. */
  read: ReadonlySet<string>
}

export async function checkConfiguration(
  role: string,
  environment: Readonly<Record<string, string>>,
): Promise<ConfigurationCheck> {
  await using blocker = await takePort()
  const read = new Set<string>()
  const watched = new Proxy(
    { ...environment, FANFARE_ADMIN_HOST: '127.0.0.1', FANFARE_ADMIN_PORT: String(blocker.port) },
    {
      get: (target: Record<string, string>, name) => {
        if (typeof name === 'symbol') return undefined
        read.add(name)
        return target[name]
      },
    },
  )
  const { run } = (await import(`../../../src/roles/${role}.ts`)) as { run: RunRole }
  try {
    await run({ environment: watched, shutdown: AbortSignal.abort() })
  } catch (error) {
    if (error instanceof ConfigurationError) return { faults: error.message.split('\n'), read }
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return { faults: [], read }
    throw error
  }
  throw new Error(`${role} ran although its admin port is taken`)
}

async function takePort(): Promise<AsyncDisposable & { port: number }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}
