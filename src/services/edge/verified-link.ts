/**
 * What every route of the edge begins with: is the link ours, and still good?
 */
import type { FastifyReply } from 'fastify'
import { createdAtMsOf } from '../../domain/identity.ts'
import type { Refusal } from '../../domain/refusal.ts'
import {
  linkAgeLimitMs,
  signLink,
  verifyLink,
  type LinkKind,
  type LinkRefusal,
  type SignedLink,
  type VerifiedLink,
} from '../../domain/signed-link.ts'
import { sendRefusal } from './pages/refusal-page.ts'
import type { EdgePorts } from './ports.ts'

/** Counted, by what came of it. */
export function verifiedLink<Kind extends LinkKind>(
  kind: Kind,
  text: string,
  { links, now, observe }: Pick<EdgePorts, 'links' | 'now' | 'observe'>,
): VerifiedLink<Kind> {
  const found = verifyLink(kind, text, links, now())
  observe({ kind: 'link', link: kind, outcome: found.kind === 'valid' ? 'valid' : found.reason })
  return found
}

/** Says no more than whether it was ever one of ours. */
export function refusalOfLink(reason: LinkRefusal): Refusal {
  return reason === 'expired'
    ? { kind: 'gone', detail: 'the link is too old' }
    : { kind: 'not_found', detail: 'no such link' }
}

/** The same for people. */
export function refuseLinkByPage(reply: FastifyReply, reason: LinkRefusal): FastifyReply {
  return sendRefusal(reply, reason === 'expired' ? 'expired' : 'unknown')
}

/**
 * Another link about the same delivery, for whoever has proved to hold one. Null where it would be refused for its age,
 * and where this edge has no key.
 */
export function furtherLink(link: SignedLink, { links, now }: Pick<EdgePorts, 'links' | 'now'>): string | null {
  const [key, ...others] = links.keys
  if (key === undefined || now() - createdAtMsOf(link.deliveryId) > linkAgeLimitMs[link.kind]) return null
  return signLink(link, { keys: [key, ...others], mac: links.mac })
}
