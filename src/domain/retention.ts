/**
 * How long topics and rows must be kept so that nothing is lost by being deleted too early, and nothing is sent again
 * because the row that would have said so is gone.
 */
import { timeToLiveSecondsMax } from './category.ts'
import { channels, lanes } from './channel.ts'
import { eventRetentionDays, oldestRequestMs, sendAtHorizonMs } from './request-validation.ts'
import { retryRungs, type TopicNames } from './topic-names.ts'

export interface RetentionBreach {
  topic: string
  actualMs: number
  /** The least or the most that it may be. */
  limitMs: number
  kind: 'too_short' | 'too_long'
}

const timeToLiveMs = timeToLiveSecondsMax * 1_000

/**
 * @param retentionMsOf what the cluster keeps of a topic, `Infinity` for everything; undefined where there is no such
 * topic, which breaks nothing here.
 */
export function retentionBreaches(
  topics: TopicNames,
  retentionMsOf: (topic: string) => number | undefined,
): RetentionBreach[] {
  const atLeast = (limitMs: number) => (topic: string) => breach(topic, retentionMsOf(topic), limitMs, 'too_short')
  const atMost = (limitMs: number) => (topic: string) => breach(topic, retentionMsOf(topic), limitMs, 'too_long')
  return [
    // Until a router has read them; a producer may repeat itself for as long.
    ...lanes.map(topics.requested).flatMap(atLeast(oldestRequestMs)),
    // A delivery lives that long, on its channel topic or on the ladder.
    ...channels
      .flatMap((channel) => lanes.map((lane) => topics.deliveries(channel, lane)))
      .flatMap(atLeast(timeToLiveMs)),
    ...lanes.flatMap((lane) => retryRungs.map(({ name }) => topics.retry(lane, name))).flatMap(atLeast(timeToLiveMs)),
    // What is redriven finds its row: of an event that waited to the horizon, lived out its time and lay here.
    ...[...channels.map(topics.deliveriesDeadLetter), topics.requestedDeadLetter, topics.retryDeadLetter].flatMap(
      atMost(eventRetentionDays * 86_400_000 - sendAtHorizonMs - timeToLiveMs),
    ),
  ]
}

function breach(
  topic: string,
  actualMs: number | undefined,
  limitMs: number,
  kind: RetentionBreach['kind'],
): RetentionBreach[] {
  if (actualMs === undefined) return []
  const isBroken = kind === 'too_short' ? actualMs < limitMs : actualMs > limitMs
  return isBroken ? [{ topic, actualMs, limitMs, kind }] : []
}
