/**
 * Publishes the notifications that Fanfare itself asks for, on the transactional requested topic.
 *
 * The schema is looked up when one is wanted, which is rare: a registry that is away, or lacks it, must not keep a sender
 * from starting.
 */
import type { NotificationRequested } from '../domain/notification.ts'
import { createFailureAlerts, type FailureAlerts } from '../services/sender/failure-alerts.ts'
import { sha1, type DeliveryInfrastructure } from './infrastructure.ts'

/** @param onCallUserId null: nobody is told. */
export function openFailureAlerts(infrastructure: DeliveryInfrastructure, onCallUserId: number | null): FailureAlerts {
  const { deliveryMetrics, log, now, openRequestWriter, producer, topics } = infrastructure

  async function publish(event: NotificationRequested): Promise<void> {
    const writer = await openRequestWriter()
    await producer.send([
      {
        topic: topics.requested('transactional'),
        key: String(event.userId),
        value: writer.encode(event),
        headers: {},
      },
    ])
  }

  return createFailureAlerts(onCallUserId, {
    publish,
    now,
    sha1,
    observe: (outcome, alert) => {
      deliveryMetrics.failureAlerts.inc({ channel: alert.channel, outcome })
      if (outcome === 'published') log.info(alert, 'the user on call was notified of a failure that repeats')
      else log.error(alert, 'the user on call could not be notified of a failure that repeats')
    },
  })
}
