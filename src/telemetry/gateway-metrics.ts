/**
 * What only the gateway counts, besides its requests.
 */
import { Counter, type Registry } from 'prom-client'

export interface GatewayMetrics {
  /** outcome: accepted | refused */
  notifications: Counter<'outcome'>
  /** outcome: accepted | missing | wrong | locked | out_of_scope */
  authentications: Counter<'outcome'>
  countedAlone: Counter
}

/** Registers the metrics; once per registry. */
export function createGatewayMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry]
  return {
    notifications: new Counter({
      name: 'fanfare_gateway_notifications_total',
      help: 'Notifications that services sent: acknowledged by Kafka, or refused.',
      labelNames: ['outcome'],
      registers,
    }),
    authentications: new Counter({
      name: 'fanfare_gateway_authentications_total',
      help: 'Calls by what their credentials came to.',
      labelNames: ['outcome'],
      registers,
    }),
    countedAlone: new Counter({
      name: 'fanfare_gateway_requests_counted_alone_total',
      help: 'Requests that this process counted by itself for a rate limit, since Redis was away.',
      registers,
    }),
  }
}
