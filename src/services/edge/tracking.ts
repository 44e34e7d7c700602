/**
 * The open pixel and the click redirect. Both answer from memory: what they saw goes into the buffer, and a full buffer or
 * a broker that is away costs a count and never a picture or a page.
 */
import { z } from 'zod'
import { isAutomatic } from '../../domain/automatic-request.ts'
import { followableUrl, linkIdOf, linkPaths } from '../../domain/message-links.ts'
import { refuse } from '../../http/problem.ts'
import type { HttpServer } from '../../http/server.ts'
import { observedFeedback } from './observed-feedback.ts'
import type { EdgePorts } from './ports.ts'
import { refusalOfLink, refuseLinkByPage, verifiedLink } from './verified-link.ts'

/** One transparent pixel. */
const pixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

const tokenOnly = z.object({ token: z.string() })
/** The wildcard takes what is behind the token: it is longer than a parameter may be. */
const tokenAndTarget = z.object({ token: z.string(), '*': z.string() })

export function openRoutes(server: HttpServer, ports: EdgePorts): void {
  server.get(`${linkPaths.open}:token`, { schema: { params: tokenOnly } }, (request, reply) => {
    const found = verifiedLink('open', request.params.token, ports)
    if (found.kind === 'valid') {
      const { deliveryId } = found.link
      const automatic = isAutomatic(request)
      ports.feedback.offer(observedFeedback(deliveryId, { kind: 'opened', automatic }, ports.now()))
    } else if (found.reason !== 'expired') {
      return refuse(reply, refusalOfLink(found.reason))
    }
    // An old mail's picture is not to look broken, so it comes; nobody counts it any more.
    return reply
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff')
      .type('image/gif')
      .send(pixel)
  })
}

/** @param pages whoever follows a link that is not good any more is a person, who gets a page. */
export function clickRoutes(pages: HttpServer, ports: EdgePorts): void {
  pages.get(`${linkPaths.click}:token/*`, { schema: { params: tokenAndTarget } }, (request, reply) => {
    const found = verifiedLink('click', `${request.params.token}/${request.params['*']}`, ports)
    if (found.kind === 'refused') return refuseLinkByPage(reply, found.reason)
    const { deliveryId, linkIndex } = found.link
    // Only what this gives is ever signed; and whatever is, a redirect leads nowhere else.
    const target = followableUrl(found.link.url)
    if (target === undefined) return refuseLinkByPage(reply, 'malformed')
    const observed = { kind: 'clicked', linkId: linkIdOf(linkIndex), automatic: isAutomatic(request) } as const
    ports.feedback.offer(observedFeedback(deliveryId, observed, ports.now()))
    return reply.header('cache-control', 'no-store').redirect(target, 302)
  })
}
