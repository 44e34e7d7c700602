/**
 * A command for one delivery, of which a test says only what matters to it.
 */
import type { DeliveryCommand } from '../../../src/domain/delivery-command.ts'
import { nowMs } from './requests.ts'

/** An SMS to user 7 that lives for a day. */
export function deliveryCommand(choices: Partial<DeliveryCommand> = {}): DeliveryCommand {
  return {
    deliveryId: '01939c5a-6e00-8000-8000-000000000001',
    notificationId: '01939c5a-6e00-7000-8000-000000000001',
    source: 'shop',
    userId: 7,
    category: 'receipts',
    channel: 'sms',
    address: '+14155552671',
    deviceId: null,
    templateId: 'receipt',
    templateVersion: 3,
    locale: 'en',
    data: { item_name: 'Lamp' },
    quietFrom: null,
    quietUntil: null,
    unknownPolicy: 'resend',
    createdAt: nowMs,
    routedAt: nowMs,
    pass: 0,
    expiresAt: nowMs + 86_400_000,
    collapseKey: null,
    ...choices,
  }
}
