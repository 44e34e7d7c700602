/**
 * Redis, with an append-only file so that a restart finds its data; never more than one second of it can be missing
 * after a crash of the machine, and nothing after the end of the process alone.
 */
import { mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { once } from 'node:events'
import type { PartDefinition } from './part.ts'

export interface RedisOptions {
  /** Absolute path of redis-server. */
  redisServer: string
  /** Folder of this Redis alone, which need not exist. */
  directory: string
}

const PROBE_TIMEOUT_MS = 1_000

export function redisPart(options: RedisOptions): PartDefinition {
  return {
    name: 'redis',
    portCount: 1,
    restartSignal: 'SIGTERM',
    discardSignal: 'SIGKILL',
    async prepare([port = 0]) {
      await mkdir(options.directory, { recursive: true })
      const settings = {
        port,
        bind: '127.0.0.1',
        dir: options.directory,
        appendonly: 'yes',
        save: '',
        // As in production: nothing is dropped to make room, a full Redis refuses writes.
        'maxmemory-policy': 'noeviction',
      }
      return {
        program: options.redisServer,
        arguments: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
        workingDirectory: options.directory,
        environment: { LANG: 'C.UTF-8' },
      }
    },
    isReady: ([port = 0]) => answersPing(port),
  }
}

/** While Redis still loads its file it answers PING with an error (LOADING), so the first byte decides. */
async function answersPing(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS)
    await once(socket, 'connect', { signal })
    socket.write('PING\r\n')
    const [answer] = (await once(socket, 'data', { signal })) as [Buffer]
    return answer.toString('latin1').startsWith('+PONG')
  } finally {
    socket.destroy()
  }
}
