/**
 * Where the demo's doors are: the gateway for services, the edge for people and providers.
 *
 * Links and webhooks name the edge as the world would know it, over https; whoever follows one goes to the port behind,
 * as a proxy that ends TLS would.
 */
import { randomBytes } from 'node:crypto'
import type { Environment } from '../../configuration/environment.ts'
import { chooseFreePorts } from '../../local/stack/free-port.ts'

export interface Doors {
  gatewayUrl: string
  edgeUrl: string
  publicUrl: string
  /** What the roles have to know of them. */
  environment: Environment
}

/** The origin that the simulated Twilio is told to call back. */
const publicUrl = 'https://fanfare.example.com'
const linkKeyBytes = 32
/** So that the funnel is counted while one looks. */
const maintainEveryMs = 2_000

export async function chooseDoors(): Promise<Doors> {
  const [gatewayPort = 0, edgePort = 0] = await chooseFreePorts(2)
  return {
    gatewayUrl: `http://127.0.0.1:${gatewayPort}`,
    edgeUrl: `http://127.0.0.1:${edgePort}`,
    publicUrl,
    environment: {
      FANFARE_GATEWAY_PORT: String(gatewayPort),
      FANFARE_EDGE_PORT: String(edgePort),
      FANFARE_EDGE_URL: publicUrl,
      FANFARE_LINK_KEYS: `1:${randomBytes(linkKeyBytes).toString('base64')}`,
      FANFARE_MAINTAIN_EVERY_MS: String(maintainEveryMs),
    },
  }
}
