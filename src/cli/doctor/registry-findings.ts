/**
 * The registry: reachable, holding this version's schemas under their compatibilities.
 */
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import { topicNames } from '../../domain/topic-names.ts'
import { createRegistryClient, type RegistryConnection } from '../../kafka/registry/registry-client.ts'
import { checkSchemas } from '../../kafka/registry/schema-registration.ts'
import { topicSchemas } from '../../kafka/topic-schemas.ts'
import { describeDrift } from '../schemas.ts'
import { fault, ok, unreachable, type Finding } from './finding.ts'

export async function registryFindings(service: RegistryConnection, prefix: string): Promise<Finding[]> {
  const schemas = topicSchemas(topicNames(prefix))
  try {
    const drifts = await checkSchemas(createRegistryClient(service), schemas)
    const found = drifts.map((drift) => fault('schemas', describeDrift(drift), 'fanfare schemas register'))
    return [
      ok('registry', 'answers'),
      ...(found.length > 0 ? found : [ok('schemas', `${schemas.length} subjects hold this version’s schemas`)]),
    ]
  } catch (error) {
    if (!(error instanceof DependencyUnavailable)) throw error
    return [unreachable('registry', error, 'FANFARE_REGISTRY_URL')]
  }
}
