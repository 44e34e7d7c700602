/**
 * How long the cluster keeps the records of topics, whoever decided it: the topic's own configuration or the brokers'.
 */
import type { Admin, ConfigResourceTypes } from 'kafkajs'

/** kafkajs's enums exist at run time only in kafkajs itself, which one other file may load. */
const topicResource: ConfigResourceTypes.TOPIC = 2

/** Of those topics that exist; `Infinity` for everything, ms else. */
export async function readRetentions(admin: Admin, names: readonly string[]): Promise<Map<string, number>> {
  const existing = new Set(await admin.listTopics())
  const asked = names.filter((name) => existing.has(name))
  if (asked.length === 0) return new Map()
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: asked.map((name) => ({ type: topicResource, name, configNames: ['retention.ms'] })),
  })
  return new Map(
    resources.map(({ resourceName, configEntries }) => {
      const ms = Number(configEntries.find(({ configName }) => configName === 'retention.ms')?.configValue)
      return [resourceName, ms < 0 ? Infinity : ms]
    }),
  )
}
