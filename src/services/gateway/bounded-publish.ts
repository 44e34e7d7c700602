/**
 * Publishing while somebody waits for the answer: bounded in time, and in how many wait.
 */
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import type { OutgoingRecord } from '../../domain/record.ts'

type Publish = (records: readonly OutgoingRecord[]) => Promise<void>

/**
 * At most so many requests await Kafka at once: while it is away the memory of this process must not fill with their
 * bodies.
 */
export const publishesMax = 200
/** A caller waits no longer for Kafka. What is under way may still be stored; the same request again changes nothing. */
export const publishLimitMs = 20_000

/** `publish` within both limits. @throws DependencyUnavailable over either. */
export function boundedPublish(publish: Publish): Publish {
  let underWay = 0
  return async (records) => {
    if (underWay >= publishesMax) throw new DependencyUnavailable('kafka', 'TOO_MANY_WAITING')
    underWay += 1
    const published = publish(records).finally(() => {
      underWay -= 1
    })
    const over = Promise.withResolvers<never>()
    const timer = setTimeout(() => over.reject(new DependencyUnavailable('kafka', 'PUBLISH_LIMIT')), publishLimitMs)
    try {
      await Promise.race([published, over.promise])
    } finally {
      clearTimeout(timer)
      // Whoever asked has gone by then.
      published.catch(() => {})
    }
  }
}
