/**
 * docker-compose.yml as Docker would read it, by a schema that knows every key in use: an unknown one is a fault, since
 * nothing here can ask Docker.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { projectFolder } from './overlays.ts'

const duration = z.stringFormat('duration', /^\d+s$/)

const service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.literal('.'), target: z.string() }).optional(),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  profiles: z.array(z.string()).optional(),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  restart: z.enum(['unless-stopped', 'on-failure:5', 'no']).optional(),
  init: z.boolean().optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  stop_grace_period: duration.optional(),
  depends_on: z
    .record(z.string(), z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) }))
    .default({}),
  healthcheck: z
    .strictObject({
      test: z.array(z.string()),
      interval: duration,
      timeout: duration,
      retries: z.int(),
      start_period: duration.optional(),
    })
    .optional(),
})
export type ComposeService = z.infer<typeof service>

const composeFile = z.strictObject({
  name: z.string(),
  'x-settings': z.unknown(),
  'x-program': z.unknown(),
  'x-job': z.unknown(),
  'x-role': z.unknown(),
  'x-provided': z.unknown(),
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
})

export function readComposeFile(): z.infer<typeof composeFile> {
  const text = readFileSync(join(projectFolder, 'docker-compose.yml'), 'utf8')
  return composeFile.parse(parse(text, { merge: true, maxAliasCount: -1 }))
}

/** `${NAME:-default}` as Docker puts it in where NAME is not set, and `$$` as the `$` that it stands for. */
export function interpolated(text: string): string {
  return text.replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1').replaceAll('$$', '$')
}
