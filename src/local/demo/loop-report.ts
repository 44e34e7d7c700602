/**
 * What the demo prints of its closed loop: what people's reactions came to, and the funnel and the suppressions as the
 * gateway tells them, held against the rows.
 */
import { z } from 'zod'
import { isSent } from '../reconciliation/deliveries.ts'
import type { Evidence, ReportedKind } from '../reconciliation/evidence.ts'
import type { ReactionLine } from './reactions.ts'
import { countText, textTable } from './text-table.ts'

const steps = ['sent', 'delivered', 'opened', 'clicked', 'unsubscribed', 'bounced'] as const satisfies (
  | 'sent'
  | ReportedKind
)[]

const count = z.int().min(0)

/** Deliveries of one channel, as the gateway's analytics have them. */
export const funnelRowSchema = z.object({
  channel: z.string().nullable(),
  sent: count,
  delivered: count,
  opened: count,
  clicked: count,
  unsubscribed: count,
  bounced: count,
})
export type FunnelRow = z.output<typeof funnelRowSchema>

/** What the gateway answers to whoever analyses. */
export interface LoopAnswers {
  funnel: readonly FunnelRow[]
  suppressions: readonly { channel: string; cause: string; count: number }[]
}

/** Whether the gateway's funnel says of every channel what the rows say. */
export function funnelAgrees({ funnel }: LoopAnswers, { deliveries }: Evidence): boolean {
  const channels = new Set([...funnel.map((row) => row.channel), ...deliveries.map(({ channel }) => channel)])
  return [...channels].every((channel) => {
    const rows = deliveries.filter((delivery) => delivery.channel === channel)
    const counted = funnel.find((row) => row.channel === channel)
    return steps.every((step) => {
      const found = rows.filter((row) => (step === 'sent' ? isSent(row) : row.reported.includes(step))).length
      return found === (counted?.[step] ?? 0)
    })
  })
}

export function loopText(lines: readonly ReactionLine[], answers: LoopAnswers, agrees: boolean): string {
  const wrong = lines.filter(({ holds }) => !holds)
  return [
    'Closed loop: what people did, predicted and found',
    textTable([
      ['', 'people', 'status topic', 'Postgres', 'next one held back', ''],
      ...lines.map(({ title, predicted, statusTopic, postgres, heldBack, holds }) => [
        title,
        ...[predicted, statusTopic, postgres].map(countText),
        heldBack === null ? '-' : countText(heldBack),
        holds ? 'equal' : 'DIFFERENT',
      ]),
    ]),
    wrong.length === 0 ? '\nAll as predicted.' : `\n${countText(wrong.length)} NOT AS PREDICTED`,
    '\nFunnel, as the gateway tells it',
    textTable([
      ['', ...steps],
      ...answers.funnel.map((row) => [row.channel ?? '', ...steps.map((step) => countText(row[step]))]),
    ]),
    agrees ? '\nEqual to the rows.' : '\nDIFFERENT from the rows.',
    '\nSuppressed addresses, as the gateway tells them',
    textTable(answers.suppressions.map((each) => [`${each.channel}: ${each.cause}`, countText(each.count)])),
  ].join('\n')
}
