/**
 * Where a configured provider becomes a provider: one line for each folder of providers/.
 */
import type { Channel } from '../domain/channel.ts'
import type { MessageKind } from '../domain/message.ts'
import type { Provider } from '../domain/provider.ts'
import type { ConfiguredProvider } from '../configuration/provider-settings.ts'
import { canaryAddresses } from '../domain/canary.ts'
import { createApnsProvider } from '../providers/apns/provider.ts'
import { createFcmProvider } from '../providers/fcm/provider.ts'
import { createSendgridProvider } from '../providers/sendgrid/provider.ts'
import { createSinkProvider } from '../providers/sink/provider.ts'
import { createTwilioProvider } from '../providers/twilio/provider.ts'

/**
 * What is for the canary's addresses goes to the sink, whichever the provider.
 * @param clock the process's wall clock, Unix ms.
 */
export function createProvider(configured: ConfiguredProvider, clock: { now(): number }): Provider {
  return sinkingCanaries(createVendorsProvider(configured, clock))
}

function sinkingCanaries(provider: Provider): Provider {
  const canaryAddress = canaryAddresses[provider.channel]
  const sink = createSinkProvider(provider.channel)
  return {
    ...provider,
    send: async (batch, signal) => {
      const outgoing = batch.filter(({ address }) => address !== canaryAddress)
      if (outgoing.length === batch.length) return provider.send(batch, signal)
      const outcomes = outgoing.length === 0 ? [] : await provider.send(outgoing, signal)
      const sunk = await sink.send(batch, signal)
      return batch.flatMap((message, index) => {
        const outcome = message.address === canaryAddress ? sunk[index] : outcomes[outgoing.indexOf(message)]
        return outcome ?? []
      })
    },
  }
}

function createVendorsProvider(configured: ConfiguredProvider, clock: { now(): number }): Provider {
  switch (configured.name) {
    case 'apns':
      return ofAnyKind(createApnsProvider(configured.settings, clock))
    case 'fcm':
      return ofAnyKind(createFcmProvider(configured.settings, clock))
    case 'twilio':
      return ofAnyKind(createTwilioProvider(configured.settings, clock))
    case 'sendgrid':
      return ofAnyKind(createSendgridProvider(configured.settings, clock))
  }
}

/** Sound because a sender renders only its channel's kind of message, and its provider serves that channel. */
function ofAnyKind<Kind extends MessageKind>(provider: Provider<Kind>): Provider {
  return provider as unknown as Provider
}

/** The first of the channel's list. @throws where the list is empty. */
export function preferredProvider(
  providers: Readonly<Record<Channel, ConfiguredProvider[]>>,
  channel: Channel,
): ConfiguredProvider {
  const [first] = providers[channel]
  if (first === undefined) throw new Error(`no provider is configured for ${channel}`)
  return first
}
