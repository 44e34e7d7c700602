/**
 * The provider simulator: servers on this machine that speak the providers' wire protocols to the real SDKs, with one
 * ledger of every call and scripted faults. Tests, demo and benchmarks start it; nothing in services/ knows of it.
 */
import { startAdminServer } from './admin.ts'
import { startApnsServer } from './apns.ts'
import { createCertificate } from './certificate.ts'
import { createFaults, type Faults } from './faults.ts'
import { startFcmServer } from './fcm.ts'
import type { Listening } from './http-server.ts'
import type { Latency } from './latency.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { startSendgridServer } from './sendgrid.ts'
import {
  simulatedProviders,
  thisMachine,
  type ServerHost,
  type SimulatedProvider,
  type StartProtocolServer,
} from './simulator-server.ts'
import { createTakeCall } from './take-call.ts'
import { startTwilioServer } from './twilio.ts'
import type { TwilioAccount } from './twilio-webhooks.ts'
import { createWebhooks, type Webhooks } from './webhooks.ts'

export interface SimulatorOptions {
  /** What is absent takes a free port. */
  ports?: Partial<Record<SimulatedProvider | 'admin', number>>
  /** This machine's own address if absent; in a container every address, and the container's name. */
  host?: ServerHost
  /** How long each provider takes for every answer, in ms or drawn for each call; 0 if absent. */
  baseLatencyMs?: Partial<Record<SimulatedProvider, number | Latency>>
  /** Evenly from 0 to below 1, for latencies; Math.random if absent. */
  random?: () => number
  /** Unix ms; the system's clock if absent. */
  now?: () => number
}

export interface Simulator {
  /** The FANFARE_* variables that point a real role at the simulator, credentials and certificate included. */
  readonly environment: Record<string, string>
  /** Where `GET /ledger`, `GET /ledger/summary` and `/faults` are served: admin.ts. */
  readonly adminUrl: string
  readonly ledger: Ledger
  readonly faults: Faults
  /** What the providers report of what they accepted; nothing until they are aimed at an edge. */
  readonly webhooks: Webhooks
  /** Destroys every connection and resolves when no server is left. Idempotent. */
  stop(): Promise<void>
}

const starters: Record<SimulatedProvider, StartProtocolServer> = {
  apns: startApnsServer,
  fcm: startFcmServer,
  twilio: startTwilioServer,
  sendgrid: startSendgridServer,
}

/** firebase-admin and the others verify the host that they believe to call, wherever the connection goes. */
const certificateNames = ['127.0.0.1', 'localhost', 'fcm.googleapis.com', 'api.twilio.com', 'api.sendgrid.com']

/** @throws if openssl is missing or a fixed port is taken; then nothing is left running. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const now = options.now ?? Date.now
  const ledger = createLedger()
  const faults = createFaults(options.random === undefined ? {} : { random: options.random })
  for (const provider of simulatedProviders) faults.setBaseLatency(provider, options.baseLatencyMs?.[provider] ?? 0)
  const { host = thisMachine } = options
  const certificate = await createCertificate([...new Set([...certificateNames, host.name])])
  let webhooks: Webhooks | undefined
  const takeCall = createTakeCall({ ledger, faults, now, accepted: (call) => webhooks?.accepted(call) })

  const running: Pick<Listening, 'stop'>[] = []
  async function stop(): Promise<void> {
    webhooks?.stop()
    await Promise.all(running.map((server) => server.stop()))
  }
  try {
    const environment: Record<string, string> = {}
    for (const provider of simulatedProviders) {
      const port = options.ports?.[provider] ?? 0
      const server = await starters[provider]({ port, host, certificate, takeCall, now })
      running.push(server)
      Object.assign(environment, server.environment)
    }
    webhooks = createWebhooks({ twilio: twilioAccountOf(environment), random: options.random ?? Math.random, now })
    environment['FANFARE_SENDGRID_WEBHOOK_PUBLIC_KEY'] = webhooks.sendgridPublicKey
    const admin = await startAdminServer({ port: options.ports?.admin ?? 0, host, ledger, faults, webhooks })
    running.push(admin)
    return { environment, adminUrl: `http://${host.name}:${admin.port}`, ledger, faults, webhooks, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The account that the server made, as senders are told it. */
function twilioAccountOf(environment: Readonly<Record<string, string>>): TwilioAccount {
  const of = (name: string) => environment[`FANFARE_TWILIO_${name}`] ?? ''
  return { accountSid: of('ACCOUNT_SID'), authToken: of('AUTH_TOKEN'), number: of('FROM') }
}
