/**
 * The schema registry: Apicurio, which speaks the Confluent API at `/apis/ccompat/v7`. It keeps everything in memory:
 * after a restart it is empty, and its owner registers the schemas again in the same order and verifies the ids.
 */
import { mkdir } from 'node:fs/promises'
import { javaFlags } from './java.ts'
import type { PartDefinition } from './part.ts'

export interface RegistryOptions {
  java: string
  /** The runnable jar, with its `lib` folder beside it. */
  jar: string
  /** Folder of this registry alone, which need not exist. */
  directory: string
}

const HEAP_MEBIBYTES = 384
const PROBE_TIMEOUT_MS = 5_000

export function registryPart(options: RegistryOptions): PartDefinition {
  return {
    name: 'registry',
    portCount: 1,
    restartSignal: 'SIGTERM',
    discardSignal: 'SIGKILL',
    async prepare([port = 0]) {
      await mkdir(options.directory, { recursive: true })
      const flags = javaFlags({ heapMebibytes: HEAP_MEBIBYTES, temporaryDirectory: options.directory })
      return {
        program: options.java,
        arguments: [...flags, '-jar', options.jar],
        workingDirectory: options.directory,
        environment: {
          LANG: 'C.UTF-8',
          QUARKUS_HTTP_HOST: '127.0.0.1',
          QUARKUS_HTTP_PORT: String(port),
          QUARKUS_LOG_LEVEL: 'WARN',
        },
      }
    },
    async isReady([port = 0]) {
      const response = await fetch(`${registryUrl(port)}/subjects`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
      await response.body?.cancel()
      return response.ok
    },
  }
}

/** The base of the Confluent-compatible API on that port. */
export function registryUrl(port: number): string {
  return `http://127.0.0.1:${port}/apis/ccompat/v7`
}
