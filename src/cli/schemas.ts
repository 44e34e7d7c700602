/**
 * `fanfare schemas register|check`: the registry's subjects against the schemas of avro/.
 */
import { Command } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { topicNames } from '../domain/topic-names.ts'
import { createRegistryClient, type RegistryClient } from '../kafka/registry/registry-client.ts'
import {
  checkSchemas,
  registerSchemas,
  type SchemaDrift,
  type SchemaRegistration,
} from '../kafka/registry/schema-registration.ts'
import { topicSchemas, type TopicSchema } from '../kafka/topic-schemas.ts'
import { exitCodes } from './exit-code.ts'

export function schemasCommand(): Command {
  const schemas = new Command('schemas').description(
    'bring the schemas of avro/ into the registry, or report where it differs',
  )
  schemas
    .command('register')
    .description('register what is missing, set compatibilities, read every id back; repeats change nothing')
    .addHelpText(
      'after',
      '\nExample:\n  FANFARE_REGISTRY_URL=https://user:password@registry.internal fanfare schemas register',
    )
    .action(async () => {
      const results = await onRegistry(registerSchemas)
      for (const result of results) process.stdout.write(`${describeResult(result)}\n`)
      if (results.some(({ kind }) => kind === 'refused' || kind === 'unverified')) process.exitCode = exitCodes.failure
    })
  schemas
    .command('check')
    .description('report where the registry differs, and fail if it does')
    .addHelpText('after', '\nExample:\n  fanfare schemas check || fanfare schemas register')
    .action(async () => {
      const drifts = await onRegistry(checkSchemas)
      for (const drift of drifts) process.stdout.write(`differs    ${describeDrift(drift)}\n`)
      if (drifts.length === 0) process.stdout.write('as declared\n')
      else process.exitCode = exitCodes.failure
    })
  return schemas
}

function onRegistry<Result>(
  work: (registry: RegistryClient, schemas: readonly TopicSchema[]) => Promise<Result>,
): Promise<Result> {
  const { registry, topics } = readConfiguration(processEnvironment(), ['registry', 'topics'])
  return work(createRegistryClient(registry.service), topicSchemas(topicNames(topics.prefix)))
}

function describeResult(result: SchemaRegistration): string {
  const { subject } = result.schema
  switch (result.kind) {
    case 'registered':
      return `registered ${subject}: id ${result.id}`
    case 'unchanged':
      return `unchanged  ${subject}: id ${result.id}`
    case 'refused':
      return `refused    ${subject}: ${result.status === 409 ? 'incompatible with an earlier version' : `HTTP ${result.status}`}`
    case 'unverified':
      return `unverified ${subject}: the registry answers id ${result.id} with another schema`
  }
}

export function describeDrift(drift: SchemaDrift): string {
  const { subject, compatibility } = drift.schema
  switch (drift.kind) {
    case 'missing':
      return `${subject}: missing`
    case 'different':
      return `${subject}: holds other versions, not this one`
    case 'compatibility':
      return `${subject}: compatibility is ${drift.actual ?? 'not set'}, declared ${compatibility}`
  }
}
