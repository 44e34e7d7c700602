/**
 * One-click unsubscription (RFC 8058): a POST to the link of the message leaves its category by email, whoever sends it.
 * There is no cookie that somebody else's page could borrow: the link is the right. The body should say
 * `List-Unsubscribe=One-Click`, as multipart or otherwise; one that was garbled on its way is a wish all the same, so it
 * is not looked at.
 *
 * A GET never unsubscribes, because scanners follow every link of every mail: it asks.
 *
 * The opt-out is committed before the answer. A crash after the commit leaves it standing without its status.
 */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { DependencyUnavailable } from '../../domain/dependency-unavailable.ts'
import { linkPaths } from '../../domain/message-links.ts'
import type { Preferences } from '../../domain/preferences.ts'
import type { LinkOf } from '../../domain/signed-link.ts'
import type { HttpServer } from '../../http/server.ts'
import { observedFeedback } from './observed-feedback.ts'
import { sendPage } from './pages/layout.ts'
import { orUnavailable, sendRefusal } from './pages/refusal-page.ts'
import { acceptedLanguages, categoryTitle, pickLanguage } from './pages/texts.ts'
import { answerPage, questionPage, type UnsubscribeView } from './pages/unsubscribe-page.ts'
import type { EdgePorts } from './ports.ts'
import { furtherLink, refuseLinkByPage, verifiedLink } from './verified-link.ts'

/** A token holds the category's name, so it may be longer than a parameter: hence the wildcard. */
const params = z.object({ '*': z.string() })
const path = `${linkPaths.unsubscribe}*`

export function unsubscribeRoutes(pages: HttpServer, ports: EdgePorts): void {
  pages.get(path, { schema: { params } }, async (request, reply) => {
    const found = verifiedLink('unsubscribe', request.params['*'], ports)
    if (found.kind === 'refused') return refuseLinkByPage(reply, found.reason)
    return orUnavailable(reply, async () => {
      const preferences = await ports.people.load(found.link.userId)
      if (preferences === undefined) return sendRefusal(reply, 'nobody')
      return sendPage(reply, questionPage(viewOf(request, found.link, { preferences, ports })))
    })
  })

  pages.post(path, { schema: { params } }, async (request, reply) => {
    const found = verifiedLink('unsubscribe', request.params['*'], ports)
    if (found.kind === 'refused') return refuseLinkByPage(reply, found.reason)
    return orUnavailable(reply, async () => {
      await leave(found.link, ports)
      // Only for the words: who has left has left, whether or not they can be had.
      const preferences = await loadIfPossible(found.link.userId, ports)
      return sendPage(reply, answerPage(viewOf(request, found.link, { preferences, ports })))
    })
  })
}

/** Commits, then tells the cache, then the status topic: what fails after the commit costs freshness and no promise. */
async function leave({ deliveryId, userId, category }: LinkOf<'unsubscribe'>, ports: EdgePorts): Promise<void> {
  const written = await ports.people.optOutOfCategory({ userId, category, channel: 'email' })
  if (written === undefined) return
  await ports.forgetProfile(userId, written.version)
  const observed = { kind: 'unsubscribed', category, left: `email:${category}` } as const
  ports.feedback.offer(observedFeedback(deliveryId, observed, ports.now()))
}

async function loadIfPossible(userId: number, { people }: EdgePorts): Promise<Preferences | undefined> {
  try {
    return await people.load(userId)
  } catch (error) {
    if (!(error instanceof DependencyUnavailable)) throw error
    return undefined
  }
}

function viewOf(
  request: FastifyRequest,
  { deliveryId, userId, category }: LinkOf<'unsubscribe'>,
  { preferences, ports }: { preferences: Preferences | undefined; ports: EdgePorts },
): UnsubscribeView {
  const accepted = acceptedLanguages(request.headers['accept-language'])
  const language = pickLanguage([preferences?.locale ?? null, ...accepted])
  const known = preferences?.categories.find(({ name }) => name === category) ?? { name: category, titles: {} }
  const token = furtherLink({ kind: 'preferences', deliveryId, userId }, ports)
  const preferencesPath = token === null ? null : `..${linkPaths.preferences}${token}`
  return { language, category: categoryTitle(known, language), preferencesPath }
}
