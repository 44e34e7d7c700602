/**
 * The dead-letter queues by the names that operators call them, and which topics each one's records come from.
 */
import { channels, isChannel, lanes } from './channel.ts'
import { retryRungs, type TopicNames } from './topic-names.ts'

export const deadLetterQueues = [...channels, 'requested', 'retry', 'provider-feedback', 'users-changed'] as const
export type DeadLetterQueue = (typeof deadLetterQueues)[number]

export function deadLetterTopicOf(queue: DeadLetterQueue, topics: TopicNames): string {
  if (isChannel(queue)) return topics.deliveriesDeadLetter(queue)
  switch (queue) {
    case 'requested':
      return topics.requestedDeadLetter
    case 'retry':
      return topics.retryDeadLetter
    case 'provider-feedback':
      return topics.feedbackDeadLetter
    case 'users-changed':
      return topics.usersChangedDeadLetter
  }
}

/** Where its records may have come from. What a header says beyond this list is forged. */
export function sourceTopicsOf(queue: DeadLetterQueue, topics: TopicNames): string[] {
  if (isChannel(queue)) return lanes.map((lane) => topics.deliveries(queue, lane))
  switch (queue) {
    case 'requested':
      return lanes.map((lane) => topics.requested(lane))
    case 'retry':
      return lanes.flatMap((lane) => retryRungs.map(({ name }) => topics.retry(lane, name)))
    case 'provider-feedback':
      return [topics.feedback]
    case 'users-changed':
      return [topics.usersChanged]
  }
}

/** Whether its records are commands, whose rows say how they go on. */
export function holdsCommands(queue: DeadLetterQueue): boolean {
  return isChannel(queue) || queue === 'retry'
}
