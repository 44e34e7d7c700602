import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import { asKafkaFailure, isUnreachable } from '../../../src/kafka/kafka-unavailability.ts'

// kafkajs's own classes and codes: a name that it does not know would be a rule that never applies.
const require = createRequire(import.meta.url)
type Thrown = new (error: unknown, options?: object) => Error
const errors = require('kafkajs/src/errors.js') as Record<string, Thrown | undefined>
const { createErrorFromCode, errorCodes } = require('kafkajs/src/protocol/error.js') as {
  createErrorFromCode(code: number): Error & { type: string }
  errorCodes: { type: string; code: number }[]
}

function thrown(name: string, message: unknown = 'message', options: object = {}): Error {
  const ErrorClass = errors[name]
  assert.ok(ErrorClass !== undefined, `kafkajs throws no ${name}`)
  return new ErrorClass(message, options)
}

function answered(type: string): Error {
  const known = errorCodes.find((each) => each.type === type)
  assert.ok(known !== undefined, `kafkajs knows no ${type}`)
  return createErrorFromCode(known.code)
}

const unreachable = [
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
const withoutMetadata = ['KafkaJSMetadataNotLoaded', 'KafkaJSTopicMetadataNotLoaded']
const unavailable = [
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
]
const ofTheRecord = [
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'CORRUPT_MESSAGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
]

function codeOf(error: unknown): string | undefined {
  const failure = asKafkaFailure(error)
  return failure instanceof DependencyUnavailable && failure.dependency === 'kafka' ? failure.code : undefined
}

describe('a failure of kafkajs', () => {
  for (const name of [...unreachable, ...withoutMetadata]) {
    test(`${name} is a broker that is away`, () => {
      assert.equal(codeOf(thrown(name)), name)
      assert.equal(isUnreachable(asKafkaFailure(thrown(name))), unreachable.includes(name))
    })
  }
  for (const type of unavailable) {
    test(`${type} is a broker that is away, but one that answers`, () => {
      assert.equal(codeOf(answered(type)), type)
      assert.equal(isUnreachable(asKafkaFailure(answered(type))), false)
    })
  }
  for (const type of ofTheRecord) {
    test(`${type} is the record’s fault`, () => {
      const error = answered(type)
      assert.equal(asKafkaFailure(error), error)
    })
  }

  test('is known by what its retries wrapped, however deep', () => {
    const exhausted = thrown('KafkaJSNumberOfRetriesExceeded', answered('NOT_ENOUGH_REPLICAS'), { retryCount: 5 })
    assert.equal(codeOf(exhausted), 'NOT_ENOUGH_REPLICAS')
    const wrapped = thrown('KafkaJSNonRetriableError', exhausted, { cause: exhausted })
    assert.equal(codeOf(wrapped), 'NOT_ENOUGH_REPLICAS')
  })

  test('that wraps a refusal stays the record’s fault', () => {
    const refused = thrown('KafkaJSNonRetriableError', answered('MESSAGE_TOO_LARGE'), {
      cause: answered('MESSAGE_TOO_LARGE'),
    })
    assert.equal(asKafkaFailure(refused), refused)
  })

  test('keeps what it was as the cause, and is not wrapped twice', () => {
    const error = thrown('KafkaJSConnectionError')
    const failure = asKafkaFailure(error)
    assert.equal(failure instanceof Error && failure.cause, error)
    assert.equal(asKafkaFailure(failure), failure)
  })

  test('is none where it is no error, a bug, or one that causes itself', () => {
    const circle = new Error('circle')
    circle.cause = circle
    for (const other of [undefined, 'KafkaJSConnectionError', new TypeError('bug'), circle]) {
      assert.equal(asKafkaFailure(other), other)
    }
  })
})
