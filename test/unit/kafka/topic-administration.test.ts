import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Admin, Kafka } from 'kafkajs'
import { applyTopics } from '../../../src/kafka/topic-administration.ts'
import type { TopicDefinition } from '../../../src/kafka/topic-files.ts'

const topic: TopicDefinition = { name: 'letters', partitions: 1, replicas: 1, config: {} }

/** A cluster of which the asked broker hears of a new topic only at the given look, counted after its creation. */
function laggingCluster(heardAtLook: number): { kafka: Kafka; looks(): number } {
  let created = false
  let looks = 0
  const admin = {
    connect: async () => {},
    disconnect: async () => {},
    createTopics: async ({ waitForLeaders }: { waitForLeaders?: boolean }) => {
      assert.equal(waitForLeaders, false, 'kafkajs fails while it waits')
      created = true
      return true
    },
    fetchTopicOffsets: async () => [],
    listTopics: async () => (created && (looks += 1) >= heardAtLook - 1 ? [topic.name] : []),
    fetchTopicMetadata: async () => {
      if (looks >= heardAtLook) return { topics: [{ name: topic.name, partitions: [{ replicas: [1] }] }] }
      throw Object.assign(new Error('not here'), { type: 'UNKNOWN_TOPIC_OR_PARTITION', retriable: true })
    },
    describeConfigs: async () => ({ resources: [{ resourceName: topic.name, configEntries: [] }] }),
  }
  return { kafka: { admin: () => admin as unknown as Admin } as Kafka, looks: () => looks }
}

describe('applying topics to a cluster whose brokers learn one after the other', () => {
  test('returns once the topic can be seen, over a broker that lists it and one that does not know it', async () => {
    const { kafka, looks } = laggingCluster(4)
    assert.deepEqual(await applyTopics(kafka, [topic]), {
      repaired: [{ kind: 'missing', topic: 'letters' }],
      remaining: [],
      refused: [],
    })
    assert.equal(looks(), 4)
  })
})

/** Two new topics on a cluster of which kafkajs mixes up the metadata when it is asked for both at once. */
function severalBrokers(topics: readonly TopicDefinition[]): Kafka {
  let created = false
  let asking = 0
  const admin = {
    connect: async () => {},
    disconnect: async () => {},
    createTopics: async () => (created = true),
    fetchTopicOffsets: async () => {
      asking += 1
      await Promise.resolve()
      if (asking > 1) throw new TypeError("Cannot destructure property 'partitions' of 'high.pop(...)'")
      asking -= 1
    },
    listTopics: async () => (created ? topics.map(({ name }) => name) : []),
    fetchTopicMetadata: async () => ({ topics: topics.map(({ name }) => ({ name, partitions: [{ replicas: [1] }] })) }),
    describeConfigs: async () => ({ resources: [] }),
  }
  return { admin: () => admin as unknown as Admin } as Kafka
}

test('applying several topics asks for one topic’s leaders at a time, as kafkajs needs with several brokers', async () => {
  const topics = ['letters', 'parcels'].map((name) => ({ ...topic, name }))
  const { repaired, remaining } = await applyTopics(severalBrokers(topics), topics)
  assert.deepEqual({ repaired: repaired.length, remaining }, { repaired: 2, remaining: [] })
})
