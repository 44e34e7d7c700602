/**
 * A delivery as its row tells it, of which a test says only what matters to it.
 */
import type { StoredDelivery } from '../../../src/domain/stored-delivery.ts'
import { deliveryCommand } from './commands.ts'
import { nowMs } from './requests.ts'

/** The row of `deliveryCommand()`, out of attempts at hop 4. */
export function storedDelivery(choices: Partial<StoredDelivery> = {}): StoredDelivery {
  const { deliveryId, notificationId, source, userId, category, channel, templateId, templateVersion, locale } =
    deliveryCommand()
  return {
    deliveryId,
    notificationId,
    source,
    userId,
    category,
    lane: 'transactional',
    channel,
    templateId,
    templateVersion,
    locale,
    state: 'failed',
    hop: 4,
    attempt: 3,
    reason: 'attempts_exhausted',
    nextDueAtMs: null,
    leaseUntilMs: null,
    provider: 'twilio',
    providerMessageId: null,
    createdAt: nowMs,
    expiresAtMs: nowMs + 86_400_000,
    updatedAtMs: nowMs,
    ...choices,
  }
}
