/**
 * Sends the canary every so often, over every channel of each lane, through the real topics, and looks whether it arrived:
 * whether its deliveries' rows say that a provider has taken them.
 *
 * It goes by rows and not by the status topic, which it would have to read whole for eight records a minute.
 */
import { canaryCategory, canaryDevices, canarySource, canaryUserId } from '../../domain/canary.ts'
import { channels, lanes, type Channel, type Lane } from '../../domain/channel.ts'
import { deliveryIdOf, type Digest } from '../../domain/identity.ts'
import type { NotificationRequested } from '../../domain/notification.ts'

export interface CanaryPorts {
  /** Publishes on the lane's requested topic; resolves once it is acknowledged. */
  publish(lane: Lane, event: NotificationRequested): Promise<void>
  /** Of those deliveries that a provider has taken: when, Unix ms. */
  findSent(deliveryIds: readonly string[]): Promise<ReadonlyMap<string, number>>
  newNotificationId(): string
  sha256: Digest
  /** Unix ms. */
  now(): number
  /** Monotonic ms. */
  clock(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
  observe(observation: CanaryObservation): void
}

export type CanaryObservation =
  | { kind: 'sent_out'; lane: Lane }
  | { kind: 'arrived'; lane: Lane; channel: Channel; createdAtMs: number; latencyMs: number }
  /** Nobody looks for it any more. */
  | { kind: 'missing'; lane: Lane; channel: Channel; deliveryId: string }
  | { kind: 'unavailable'; error: unknown }

export interface Canary {
  /** Works until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
  /** Since it last did something, well or badly: for liveness. */
  idleMs(): number
}

/** Between two looks for what is on its way. */
const lookEveryMs = 500
/** As long as its category lets it live. */
const giveUpAfterMs = canaryCategory('bulk').timeToLiveSeconds * 1_000

interface Expected {
  lane: Lane
  channel: Channel
  createdAtMs: number
}

export function createCanary(everyMs: number, ports: CanaryPorts): Canary {
  const expected = new Map<string, Expected>()
  let activeAtMs = ports.clock()

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const nextAtMs = ports.clock() + everyMs
      for (const lane of lanes) await orObserve(() => sendOut(lane))
      do {
        await orObserve(look)
        activeAtMs = ports.clock()
        await ports.sleep(Math.min(lookEveryMs, Math.max(0, nextAtMs - ports.clock())), signal)
      } while (ports.clock() < nextAtMs && !signal.aborted)
    }
  }

  /** A dependency that is away is what the canary is there to notice: it goes on. */
  async function orObserve(step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      ports.observe({ kind: 'unavailable', error })
    }
  }

  async function sendOut(lane: Lane): Promise<void> {
    const createdAtMs = ports.now()
    const event = canaryEvent(lane, { notificationId: ports.newNotificationId(), createdAtMs })
    // Before it is published: an acknowledgement that is lost has published it all the same.
    for (const channel of channels) {
      expected.set(deliveryIdFor(channel, event, ports.sha256), { lane, channel, createdAtMs })
    }
    await ports.publish(lane, event)
    ports.observe({ kind: 'sent_out', lane })
  }

  async function look(): Promise<void> {
    const sentAtMs = expected.size === 0 ? new Map<string, number>() : await ports.findSent([...expected.keys()])
    for (const [deliveryId, { createdAtMs, ...where }] of expected) {
      const arrivedAtMs = sentAtMs.get(deliveryId)
      if (arrivedAtMs !== undefined) {
        ports.observe({ kind: 'arrived', ...where, createdAtMs, latencyMs: Math.max(0, arrivedAtMs - createdAtMs) })
      } else if (ports.now() - createdAtMs > giveUpAfterMs) {
        ports.observe({ kind: 'missing', ...where, deliveryId })
      } else continue
      expected.delete(deliveryId)
    }
  }

  return { run, idleMs: () => ports.clock() - activeAtMs }
}

function canaryEvent(
  lane: Lane,
  { notificationId, createdAtMs }: { notificationId: string; createdAtMs: number },
): NotificationRequested {
  return {
    notificationId,
    source: canarySource,
    userId: canaryUserId,
    category: canaryCategory(lane).name,
    template: null,
    locale: null,
    data: {},
    channels: null,
    sendAt: null,
    expiresAt: null,
    collapseKey: null,
    createdAt: createdAtMs,
  }
}

function deliveryIdFor(channel: Channel, event: NotificationRequested, sha256: Digest): string {
  const deviceId = canaryDevices.find(({ platform }) => platform === channel)?.deviceId ?? null
  const { notificationId, source, createdAt: createdAtMs } = event
  return deliveryIdOf({ createdAtMs, source, notificationId, channel, deviceId }, sha256)
}
