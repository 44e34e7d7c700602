/**
 * Where docker-compose.yml publishes the four dependencies on this machine, read from the file itself, so that a port
 * that is moved there or by its variable is found.
 */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'

/** Beside the project's package.json. */
const composeFile = new URL('../../../docker-compose.yml', import.meta.url)

const published = z.object({ ports: z.tuple([z.string()]) })
const compose = z.object({
  services: z.object({
    kafka: published,
    registry: published,
    redis: published,
    postgres: published.extend({
      environment: z.object({ POSTGRES_USER: z.string(), POSTGRES_PASSWORD: z.string(), POSTGRES_DB: z.string() }),
    }),
  }),
})

/** Starts what `dockerStackEnvironment` names, and waits until it is healthy. */
export const dockerStackCommand = 'docker compose up --detach --wait kafka registry postgres redis'

/**
 * @param environment holds the variables that move ports, such as KAFKA_PORT.
 * @returns Fanfare's variables for these dependencies.
 */
export function dockerStackEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const text = readFileSync(composeFile, 'utf8')
  const { kafka, registry, postgres, redis } = compose.parse(parse(text, { merge: true, maxAliasCount: -1 })).services
  const addressOf = ({ ports: [port] }: z.infer<typeof published>) => {
    const [host, onHost] = interpolate(port, environment).split(':')
    return `${host}:${onHost}`
  }
  const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = postgres.environment
  return {
    FANFARE_KAFKA_BROKERS: addressOf(kafka),
    FANFARE_REGISTRY_URL: `http://${addressOf(registry)}/apis/ccompat/v7`,
    FANFARE_POSTGRES_URL: `postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@${addressOf(postgres)}/${POSTGRES_DB}`,
    FANFARE_REDIS_URL: `redis://${addressOf(redis)}`,
  }
}

/** `${NAME:-default}`, the one form that the file uses; empty text counts as not set. */
function interpolate(text: string, environment: Readonly<Record<string, string | undefined>>): string {
  return text.replaceAll(/\$\{([A-Z_]+):-([^}]*)\}/g, (_, name: string, byDefault: string) => {
    const value = environment[name]
    return value === undefined || value === '' ? byDefault : value
  })
}
