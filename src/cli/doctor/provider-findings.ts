/**
 * The providers: whether what the environment says of them is whole. Nobody is called: a call costs money, and only a
 * sender knows what to say.
 */
import { readConfiguration } from '../../config.ts'
import { ConfigurationError } from '../../configuration/configuration-fault.ts'
import type { Environment } from '../../configuration/environment.ts'
import { channels, type Channel } from '../../domain/channel.ts'
import { fault, ok, warning, type Finding } from './finding.ts'

/** @param environment without unknown variables, which are a fault of every configuration. */
export function providerFindings(environment: Environment): Finding[] {
  return channels.flatMap((channel) => channelFindings(channel, environment))
}

function channelFindings(channel: Channel, environment: Environment): Finding[] {
  try {
    const { providers } = readConfiguration({ ...environment, FANFARE_CHANNEL: channel }, ['channel', 'providers'])
    return [ok('providers', `${channel}: ${providers[channel].map(({ name }) => name).join(', then ')}`)]
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    // Somebody who looks after Kafka need not have the keys of a provider at hand.
    if (error.faults.every(({ received }) => received === 'nothing')) {
      const missing = error.faults.map(({ variable }) => variable).join(', ')
      return [warning('providers', `${channel}: not configured here`, `where its senders run, set ${missing}`)]
    }
    return error.faults.map(({ variable, expectation, received }) =>
      fault('providers', `${channel}: ${variable} is ${received}`, `it must be ${expectation}`),
    )
  }
}
