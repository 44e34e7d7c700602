/**
 * The person's own page: what they hear from us, where and when.
 *
 * Whoever has the link may change everything on the page, and nobody else may: the link stands in no cookie, so a page of
 * somebody else's cannot make a browser change anything. What is saved is committed before the answer.
 */
import { z } from 'zod'
import { isDeliveryId } from '../../domain/identity.ts'
import { linkPaths } from '../../domain/message-links.ts'
import {
  isEmptyChange,
  preferenceChanges,
  withWanted,
  type PreferenceChanges,
  type Preferences,
} from '../../domain/preferences.ts'
import type { LinkOf } from '../../domain/signed-link.ts'
import type { HttpServer } from '../../http/server.ts'
import { observedFeedback } from './observed-feedback.ts'
import { sendPage } from './pages/layout.ts'
import { preferencesPage } from './pages/preferences-page.ts'
import { orUnavailable, sendRefusal } from './pages/refusal-page.ts'
import { acceptedLanguages, pickLanguage, type Language } from './pages/texts.ts'
import type { EdgePorts } from './ports.ts'
import { preferencesForm, readForm } from './preferences-form.ts'
import { refuseLinkByPage, verifiedLink } from './verified-link.ts'

const params = z.object({ token: z.string() })
/** After a change the browser is sent back here, so that loading the page again changes nothing again. */
const query = z.object({ saved: z.string().optional() })
const path = `${linkPaths.preferences}:token`

export function preferencesRoutes(pages: HttpServer, ports: EdgePorts): void {
  pages.get(path, { schema: { params, querystring: query } }, async (request, reply) => {
    const found = verifiedLink('preferences', request.params.token, ports)
    if (found.kind === 'refused') return refuseLinkByPage(reply, found.reason)
    return orUnavailable(reply, async () => {
      const preferences = await ports.people.load(found.link.userId)
      if (preferences === undefined) return sendRefusal(reply, 'nobody')
      const language = languageOf(preferences, request.headers['accept-language'])
      const notice = request.query.saved === undefined ? null : 'saved'
      return sendPage(reply, preferencesPage({ language, preferences, notice }))
    })
  })

  pages.post(path, { schema: { params, body: preferencesForm } }, async (request, reply) => {
    const found = verifiedLink('preferences', request.params.token, ports)
    if (found.kind === 'refused') return refuseLinkByPage(reply, found.reason)
    return orUnavailable(reply, async () => {
      const preferences = await ports.people.load(found.link.userId)
      if (preferences === undefined) return sendRefusal(reply, 'nobody')
      const { wanted, isHalfQuiet } = readForm(request.body)
      if (isHalfQuiet) {
        const language = languageOf(preferences, request.headers['accept-language'])
        const view = { language, preferences: withWanted(preferences, wanted), notice: 'quiet_fault' } as const
        return sendPage(reply, preferencesPage(view), 400)
      }
      await save(found.link, preferenceChanges(preferences, wanted), ports)
      return reply.header('cache-control', 'no-store').redirect('?saved=1', 303)
    })
  })
}

/** The order is that of `leave` in unsubscribe.ts, for the same reasons. */
async function save(
  { deliveryId, userId }: LinkOf<'preferences'>,
  changes: PreferenceChanges,
  ports: EdgePorts,
): Promise<void> {
  if (isEmptyChange(changes)) return
  const written = await ports.people.save(userId, changes)
  if (written === undefined) return
  await ports.forgetProfile(userId, written.version)
  // A link that the gateway gave out is about no message, so there is none to tell it of.
  if (!isDeliveryId(deliveryId)) return
  for (const observed of optOutsOf(changes)) {
    ports.feedback.offer(observedFeedback(deliveryId, { kind: 'unsubscribed', ...observed }, ports.now()))
  }
}

/**
 * One report for each channel and each category that was left, on whatever channels: the message that brought the person
 * here is the one that they left by.
 */
function optOutsOf({ channelOptIns, categoryOptIns }: PreferenceChanges): { category: string | null; left: string }[] {
  const categories = new Set(categoryOptIns.filter(({ optIn }) => !optIn).map(({ category }) => category))
  return [
    ...channelOptIns.filter(({ optIn }) => !optIn).map(({ channel }) => ({ category: null, left: channel })),
    ...[...categories].map((category) => ({ category, left: `preferences:${category}` })),
  ]
}

function languageOf({ locale }: Preferences, acceptLanguage: string | undefined): Language {
  return pickLanguage([locale, ...acceptedLanguages(acceptLanguage)])
}
