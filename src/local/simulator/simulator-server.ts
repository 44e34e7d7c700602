/**
 * How a provider's protocol plugs into the simulator.
 *
 * A protocol server owns its socket, its credentials and the provider's documented answers. Faults, latency and the
 * ledger are the core's: the server hands every call to `takeCall` and does to the connection what comes back. So the
 * order accept → ledger → answer holds for every protocol, and no answer leaves before the ledger knows of the call.
 */
import type { Channel } from '../../domain/channel.ts'
import type { Certificate } from './certificate.ts'

export const simulatedProviders = ['apns', 'fcm', 'twilio', 'sendgrid'] as const
export type SimulatedProvider = (typeof simulatedProviders)[number]

/** Where the servers listen, and the name by which the senders find them. */
export interface ServerHost {
  listen: string
  name: string
}

export const thisMachine: ServerHost = { listen: '127.0.0.1', name: '127.0.0.1' }

/** A call as the server read it from the wire. */
export interface ReceivedCall {
  provider: SimulatedProvider
  channel: Channel
  /** Device token, number or email address; empty if the call named none. */
  address: string
  /** Where the protocol carries one. */
  deliveryId: string | null
  content: CallContent
}

/** What the provider was asked to show, as far as the call had it, for tests to look at. */
export interface CallContent {
  title?: string
  subject?: string
  body?: string
  /** The protocol's own fields that matter to Fanfare, by their wire names: `apns-expiration`, `ttl`, `data.url`. */
  parameters?: Record<string, string>
}

/** One HTTP answer together with what it means. */
export interface Answer {
  verdict: 'accepted' | 'refused'
  /** As the answer tells it to the caller; null if it tells none. */
  providerMessageId: string | null
  status: number
  headers: Record<string, string>
  body: string
}

/** A scripted refusal, to be put into the provider's documented form. */
export interface ScriptedRefusal {
  status: number
  /** The provider's own word or number: APNs's `reason`, FCM's `errorCode`, Twilio's `code`. */
  code?: string | number
  retryAfterSeconds?: number
}

/** The provider's documented answers to one call. */
export interface ProtocolAnswers {
  /** What the provider answers when nothing is scripted: checks credentials, limits and special addresses. */
  decide(): Answer
  /** A refusal with this status and code, its body and headers as documented. */
  refuse(refusal: ScriptedRefusal): Answer
}

/** What the server now does to the connection. `hang` keeps it open and silent, `reset` destroys it. */
export type Reaction =
  | { kind: 'answer'; status: number; headers: Record<string, string>; body: string }
  | { kind: 'hang' }
  | { kind: 'reset' }

/**
 * Applies faults, writes the ledger, waits the latency. Rejects only when the ledger is full: then the simulator has
 * no ground truth any more, and its process ends by the unhandled rejection.
 */
export type TakeCall = (call: ReceivedCall, answers: ProtocolAnswers) => Promise<Reaction>

export interface ProtocolServerOptions {
  /** 0 takes a free one. */
  port: number
  host: ServerHost
  /** For 127.0.0.1, localhost and the provider's host names; servers without TLS ignore it. */
  certificate: Certificate
  takeCall: TakeCall
  /** Unix ms. */
  now: () => number
}

export interface ProtocolServer {
  readonly provider: SimulatedProvider
  readonly port: number
  /** The FANFARE_* variables that point a real role at this server, credentials included. */
  readonly environment: Record<string, string>
  /** Destroys every connection, then resolves. Idempotent. */
  stop(): Promise<void>
}

/** Each protocol's file exports one: `startApnsServer`, `startFcmServer`, `startTwilioServer`, `startSendgridServer`. */
export type StartProtocolServer = (options: ProtocolServerOptions) => Promise<ProtocolServer>
