/**
 * The arithmetic of retention: topics long enough for what lies on them, dead letters not longer than the rows.
 */
import { retentionBreaches, type RetentionBreach } from '../../domain/retention.ts'
import { eventRetentionDays } from '../../domain/request-validation.ts'
import type { TopicNames } from '../../domain/topic-names.ts'
import { fault, ok, type Finding } from './finding.ts'

export function retentionFindings(topics: TopicNames, retentionMsOf: ReadonlyMap<string, number>): Finding[] {
  const breaches = retentionBreaches(topics, (topic) => retentionMsOf.get(topic))
  if (breaches.length > 0) return breaches.map(breachFinding)
  return [ok('retention', `topics outlast what lies on them, and rows (${eventRetentionDays} days) every redrive`)]
}

function breachFinding({ topic, actualMs, limitMs, kind }: RetentionBreach): Finding {
  const [actual, limit] = [daysText(actualMs), daysText(limitMs)]
  if (kind === 'too_short') {
    const what = `${topic} keeps ${actual}, and what lies there may be wanted for ${limit}: it would be lost`
    return fault(
      'retention',
      what,
      `set retention.ms to ${limitMs} or more; fanfare topics apply sets what topics/ says`,
    )
  }
  const what = `${topic} keeps ${actual}, longer than ${limit}: a redrive could find its row gone, and send again`
  return fault('retention', what, `set retention.ms to ${limitMs} or less; fanfare topics apply sets what topics/ says`)
}

function daysText(ms: number): string {
  if (ms === Infinity) return 'everything for ever'
  const days = Math.round((ms / 86_400_000) * 10) / 10
  return `${days} d`
}
