/**
 * Whether the way from event to provider takes as long under the trouble as it took before.
 */
import type { Story } from './delivery-stories.ts'

/**
 * Unmoved: the p99 from event to call is at most twice the quiet stretch's, or half a second above it. Whoever waited
 * for SMS would wait for its shortest trouble at least, the time-out of three seconds; half a second is what one pause
 * of a busy machine does to the worst of a few hundred.
 */
const unmovedFactor = 2
const unmovedSlackMs = 500
/** Beyond it twice as much would come near the time-out, and a channel that waits for another could pass. */
const quietMostMs = 1_000

export function judgeLatency(quiet: readonly Story[], troubled: readonly Story[]): string[] {
  return ['email', 'ios', 'sms'].flatMap((channel) => {
    const usualMs = p99Of(quiet, channel)
    const limitMs = Math.max(usualMs * unmovedFactor, usualMs + unmovedSlackMs)
    const underTroubleMs = p99Of(troubled, channel)
    const what = channel === 'sms' ? 'sms to healthy addresses' : channel
    say(`${what}: p99 ${usualMs} ms before the trouble, ${underTroubleMs} ms under it`)
    if (usualMs > quietMostMs) return [`${what}: a p99 of ${usualMs} ms before the trouble is no measure`]
    if (underTroubleMs <= limitMs) return []
    return [`${what} had a p99 of ${underTroubleMs} ms under the trouble, more than ${limitMs} ms`]
  })
}

/** From event to first call; of SMS only those that have no trouble of their own. */
function p99Of(stories: readonly Story[], channel: string): number {
  const latencies = stories
    .filter((story) => story.channel === channel && (channel !== 'sms' || story.address.endsWith('0')))
    .map(({ calls, createdAtMs }) => (calls[0]?.receivedAtMs ?? Infinity) - createdAtMs)
    .toSorted((a, b) => a - b)
  return latencies[Math.ceil(latencies.length * 0.99) - 1] ?? Infinity
}

function say(line: string): void {
  process.stdout.write(`        ${line}\n`)
}
