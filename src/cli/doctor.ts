/**
 * `fanfare doctor`: looks at everything that Fanfare stands on, and says what is wrong and how to mend it.
 */
import { Command } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { findingText, type Finding } from './doctor/finding.ts'
import { kafkaFindings } from './doctor/kafka-findings.ts'
import { postgresFindings } from './doctor/postgres-findings.ts'
import { providerFindings } from './doctor/provider-findings.ts'
import { redisFindings } from './doctor/redis-findings.ts'
import { registryFindings } from './doctor/registry-findings.ts'
import { exitCodes } from './exit-code.ts'
import { replicaCount } from './topics.ts'

interface DoctorFlags {
  replicas?: number
  json?: true
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('look at everything that Fanfare stands on, and say what is wrong and how to mend it')
    .option('--replicas <count>', 'as given to topics apply', replicaCount)
    .option('--json', 'one line of JSON for each finding')
    .addHelpText(
      'after',
      '\nChanges nothing and calls no provider. Ends with 1 if there is a fault. A broker tells nobody its clock, so that one is\nnot compared.\n\nExamples:\n  fanfare doctor\n  fanfare doctor --json | jq "select(.level == \\"fault\\")"',
    )
    .action(async ({ replicas, json }: DoctorFlags) => {
      const findings = await examine(replicas)
      const write = json === true ? (finding: Finding) => `${JSON.stringify(finding)}\n` : findingText
      for (const finding of findings) process.stdout.write(write(finding))
      const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
      if (json !== true) process.stdout.write(`faults: ${count('fault')}, warnings: ${count('warning')}\n`)
      if (count('fault') > 0) process.exitCode = exitCodes.failure
    })
}

/** All at once: what is away is waited for side by side. */
async function examine(replicas: number | undefined): Promise<Finding[]> {
  const environment = processEnvironment()
  const { kafka, topics, registry, postgres, redis } = readConfiguration(environment, [
    'kafka',
    'topics',
    'registry',
    'postgres',
    'redis',
  ])
  const found = await Promise.all([
    kafkaFindings({ brokers: kafka.brokers, prefix: topics.prefix, replicas }),
    registryFindings(registry.service, topics.prefix),
    postgresFindings(postgres.url),
    redisFindings(redis.url),
  ])
  return [...found.flat(), ...providerFindings(environment)]
}
