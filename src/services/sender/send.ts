/**
 * Stage 5, send: one call of the provider for one message, within the lease.
 */
import type { Message } from '../../domain/message.ts'
import type { Outcome, OutgoingMessage } from '../../domain/provider.ts'
import type { Job } from './decode.ts'
import type { SenderPorts } from './ports.ts'
import type { SenderSettings } from './sender-settings.ts'

/** Never throws: a provider that does is a bug, and nobody can tell then whether it accepted. */
export async function send(job: Job, message: Message, settings: SenderSettings, ports: SenderPorts): Promise<Outcome> {
  const { provider } = ports
  const outgoing: OutgoingMessage = {
    deliveryId: job.command.deliveryId,
    address: job.command.address,
    message,
    expiresAt: job.command.expiresAt,
    collapseKey: job.command.collapseKey,
  }
  const startedAt = ports.monotonicNow()
  const outcome = await call(outgoing, settings, ports)
  const durationMs = ports.monotonicNow() - startedAt
  const { category } = job.command
  ports.observe({ kind: 'called', provider: provider.name, category, outcome, durationMs, messages: 1 })
  return outcome
}

async function call(outgoing: OutgoingMessage, settings: SenderSettings, ports: SenderPorts): Promise<Outcome> {
  try {
    const [outcome] = await ports.provider.send([outgoing], AbortSignal.timeout(settings.callBudgetMs))
    return outcome ?? { kind: 'unknown', reason: 'unreadable_answer' }
  } catch {
    return { kind: 'unknown', reason: 'unreadable_answer' }
  }
}
