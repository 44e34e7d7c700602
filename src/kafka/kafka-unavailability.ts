/**
 * Which of kafkajs's failures mean that the broker is away, and not that a record is at fault.
 *
 * Named codes only. What is missing here (a record over the broker's limit, an invalid one) is taken for the record's
 * fault, and the chunk is halved down to it. A topic that does not exist or may not be written is the deployment's
 * fault: waiting keeps every record, dead-lettering would empty the topic into the dead letters.
 */
import { DependencyUnavailable } from '../domain/dependency-unavailable.ts'

/** No broker could be asked, whatever the topic. */
const unreachableNames = [
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSLockTimeout',
  'KafkaJSTimeout',
  'KafkaJSSASLAuthenticationError',
  'KafkaJSGroupCoordinatorNotFound',
]

const errorNames = new Set([...unreachableNames, 'KafkaJSMetadataNotLoaded', 'KafkaJSTopicMetadataNotLoaded'])

/** A broker said so: it may concern one topic or partition only. */
const protocolTypes = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REQUEST_TIMED_OUT',
  'BROKER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
])

/** @returns the error itself where it is no lost broker. */
export function asKafkaFailure(error: unknown): unknown {
  if (error instanceof DependencyUnavailable) return error
  const code = unavailabilityCodeOf(error)
  return code === undefined ? error : new DependencyUnavailable('kafka', code, error)
}

/** Whether no broker could be asked: then nothing else that goes to Kafka will do better. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof DependencyUnavailable && unreachableNames.includes(error.code)
}

/** kafkajs wraps the last failure of its retries as `cause`; the innermost known one names it. */
function unavailabilityCodeOf(error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > deepestCause) return undefined
  const inner = unavailabilityCodeOf(error.cause, depth + 1)
  if (inner !== undefined) return inner
  const type = 'type' in error && typeof error.type === 'string' ? error.type : undefined
  if (type !== undefined && protocolTypes.has(type)) return type
  return errorNames.has(error.name) ? error.name : undefined
}

const deepestCause = 5
