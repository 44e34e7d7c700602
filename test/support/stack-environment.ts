/** Where the parts of the stack are that this test run uses; test/global-setup.ts starts it. */
export interface StackEnvironment {
  brokers: string[]
  /** The base URL of the Confluent-compatible API. */
  registryUrl: string
  postgresUrl: string
  redisUrl: string
}

/** Reads the stack's addresses; throws if there is no stack. */
export function readStackEnvironment(): StackEnvironment {
  return {
    brokers: readVariable('FANFARE_KAFKA_BROKERS').split(','),
    registryUrl: readVariable('FANFARE_REGISTRY_URL'),
    postgresUrl: readVariable('FANFARE_POSTGRES_URL'),
    redisUrl: readVariable('FANFARE_REDIS_URL'),
  }
}

function readVariable(name: string): string {
  const value = process.env[name]
  if (value !== undefined) return value
  throw new Error(`${name} is not set: run this file with --test-global-setup=./test/global-setup.ts`)
}
