/**
 * The provider that takes everything and hands it to nobody: for the canary's addresses.
 */
import type { Channel } from '../../domain/channel.ts'
import type { Provider } from '../../domain/provider.ts'

export function createSinkProvider(channel: Channel): Provider {
  return {
    name: 'sink',
    channel,
    maxBatch: 500,
    send: (batch) =>
      Promise.resolve(batch.map(({ deliveryId }) => ({ kind: 'accepted', providerMessageId: `sink-${deliveryId}` }))),
    close: () => Promise.resolve(),
  }
}
