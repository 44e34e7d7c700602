/**
 * Where a test's edge is reached: its public URL has to be known before it starts, since senders put it into messages.
 */
import { randomBytes } from 'node:crypto'
import { chooseFreePorts } from '../../src/local/stack/free-port.ts'

export interface EdgeAddress {
  url: string
  /** For the roles that make links, and for the edge. */
  environment: Record<string, string>
}

export async function chooseEdgeAddress(): Promise<EdgeAddress> {
  const [port = 0] = await chooseFreePorts(1)
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    environment: {
      FANFARE_EDGE_URL: url,
      FANFARE_EDGE_PORT: String(port),
      FANFARE_LINK_KEYS: `1:${randomBytes(32).toString('base64')}`,
    },
  }
}

/** A browser, as far as a request tells. */
export const browserHeaders = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'accept-language': 'en',
}
