/**
 * The webhooks of the providers whose keys are known, with what the edge needs to take them.
 */
import type { Configuration } from '../config.ts'
import type { ConfiguredWebhooks } from '../configuration/provider-settings.ts'
import type { HashAddress, Webhook } from '../domain/webhook.ts'
import type { Queryable } from '../postgres/hot-path-pool.ts'
import { createWebhookReceipts } from '../postgres/webhook-receipts.ts'
import { createSendgridWebhook } from '../providers/sendgrid/webhook.ts'
import { createTwilioInboundWebhook } from '../providers/twilio/inbound.ts'
import { createTwilioStatusWebhook } from '../providers/twilio/webhook.ts'
import type { WebhookPorts } from '../services/edge/webhooks.ts'
import { createWebhookMetrics } from '../telemetry/webhook-metrics.ts'
import { addressHasher, sha256, type Infrastructure } from './infrastructure.ts'

/** What webhooks read of the configuration. */
export const webhookSections = ['webhooks', 'addresses', 'links'] as const
export type WebhooksConfiguration = Pick<Configuration, (typeof webhookSections)[number]>

export interface WebhookOutlets extends Pick<WebhookPorts, 'publish'> {
  pool: Queryable
}

export function webhookPorts(
  { log, now, registry }: Pick<Infrastructure, 'log' | 'now' | 'registry'>,
  { webhooks, addresses, links }: WebhooksConfiguration,
  { pool, publish }: WebhookOutlets,
): WebhookPorts {
  const metrics = createWebhookMetrics(registry)
  // Without its public URL the edge cannot tell what a provider signed.
  const taken = links.edgeUrl === '' ? [] : createWebhooks(webhooks, addressHasher(addresses.hashKey))
  log.info({ paths: taken.map(({ path }) => path) }, 'webhooks that are taken')
  return {
    webhooks: taken,
    publicUrl: links.edgeUrl,
    receipts: createWebhookReceipts(pool),
    publish,
    sha256,
    now,
    observe: (observation) => {
      switch (observation.kind) {
        case 'webhook':
          return metrics.webhooks.inc({ provider: observation.provider, result: observation.result })
        case 'webhook_events': {
          const { provider, outcome, count } = observation
          return metrics.events.inc({ provider, outcome }, count)
        }
        case 'receipts_unavailable': {
          const { dependency, code } = observation.fault
          metrics.receiptFailures.inc()
          return log.warn({ dependency, code }, 'a webhook was taken without its receipt')
        }
      }
    },
  }
}

/** One case for each folder of providers/ that has webhooks; none where no key is known: nothing could be verified. */
function createWebhooks(configured: readonly ConfiguredWebhooks[], hashAddress: HashAddress): Webhook[] {
  return configured.flatMap(({ name, settings }) => {
    switch (name) {
      case 'twilio': {
        const tokens = [settings.authToken, settings.nextAuthToken].filter((token) => token !== undefined)
        if (tokens.length === 0) return []
        return [createTwilioStatusWebhook(tokens, hashAddress), createTwilioInboundWebhook(tokens, hashAddress)]
      }
      case 'sendgrid': {
        const { webhookPublicKey: publicKeys } = settings
        return publicKeys === undefined ? [] : [createSendgridWebhook(publicKeys, hashAddress)]
      }
    }
  })
}
