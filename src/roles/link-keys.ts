/**
 * The keys of the links in messages, as the process holds them: made into key objects once, since that takes several times
 * as long as the HMAC.
 */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import type { Configuration } from '../config.ts'
import type { LinkSigning, LinkVerifying, Mac } from '../domain/signed-link.ts'

export function linkVerifying({ keys }: Pick<Configuration['links'], 'keys'>): LinkVerifying {
  return { keys, mac: macWith(keys) }
}

export interface LinkMaking {
  /** Without a slash at the end. */
  edgeUrl: string
  signing: LinkSigning
}

/** Undefined where no links are put into messages. */
export function linkMaking({ edgeUrl, keys }: Configuration['links']): LinkMaking | undefined {
  const [first, ...others] = keys
  if (edgeUrl === '' || first === undefined) return undefined
  return { edgeUrl, signing: { keys: [first, ...others], mac: macWith(keys) } }
}

function macWith(keys: Configuration['links']['keys']): Mac {
  const keyObjects = new Map<Uint8Array, KeyObject>(keys.map(({ secret }) => [secret, createSecretKey(secret)]))
  return (secret, message) =>
    createHmac('sha256', keyObjects.get(secret) ?? createSecretKey(secret))
      .update(message)
      .digest()
}
