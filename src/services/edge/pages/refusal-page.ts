/**
 * What a person sees in place of the page that they wanted.
 */
import type { FastifyReply } from 'fastify'
import { DependencyUnavailable } from '../../../domain/dependency-unavailable.ts'
import { html } from './html.ts'
import { sendPage } from './layout.ts'
import { acceptedLanguages, pickLanguage, textsOf, type PageTexts } from './texts.ts'

export type PageRefusal = keyof PageTexts['refusal']

const statusOf: Record<PageRefusal, number> = { unknown: 404, expired: 410, unavailable: 503, nobody: 404 }
const retryAfterSeconds = 10

export function sendRefusal(reply: FastifyReply, refusal: PageRefusal): FastifyReply {
  const language = pickLanguage(acceptedLanguages(reply.request.headers['accept-language']))
  const { title, hint } = textsOf[language].refusal[refusal]
  const content = html`<section class="card">
    <h1>${title}</h1>
    <p class="hint">${hint}</p>
  </section>`
  if (refusal === 'unavailable') void reply.header('retry-after', String(retryAfterSeconds))
  return sendPage(reply, { language, title, size: 'small', content }, statusOf[refusal])
}

/** A person gets a page, and not a problem document, where the database is away. */
export async function orUnavailable(reply: FastifyReply, answer: () => Promise<FastifyReply>): Promise<FastifyReply> {
  try {
    return await answer()
  } catch (error) {
    if (!(error instanceof DependencyUnavailable)) throw error
    return sendRefusal(reply, 'unavailable')
  }
}
