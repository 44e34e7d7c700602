/**
 * What our own mobile apps report about a push: that it arrived, that it was tapped, that the app was started by it. The
 * token came with the push, so an app reports about its own pushes only.
 *
 * An app that was offline sends what it kept together. Each report is judged by itself; what is refused will never be
 * taken, so the app may forget the whole request.
 */
import { z } from 'zod'
import type { HttpServer } from '../../http/server.ts'
import { refuse } from '../../http/problem.ts'
import { observedFeedback } from './observed-feedback.ts'
import type { EdgePorts } from './ports.ts'
import { verifiedLink } from './verified-link.ts'

export const appReportsMax = 50
const tokenCharactersMax = 200

/** A session that a push started says that it was opened, as a tap on it does: once is counted. */
const kindOfReport = { delivered: 'delivered', opened: 'opened', session_started: 'opened' } as const

const body = z.strictObject({
  reports: z
    .array(
      z.strictObject({
        token: z.string().max(tokenCharactersMax),
        kind: z.enum(['delivered', 'opened', 'session_started']),
      }),
    )
    .min(1)
    .max(appReportsMax),
})

/** Which reports of the request were not taken, by their places in it. */
interface Refused {
  index: number
  reason: 'not_valid' | 'expired'
}

/** How long an app is asked to keep its reports when there is no room for them. */
const retryAfterSeconds = 30

export function appFeedbackRoutes(server: HttpServer, ports: EdgePorts): void {
  server.post('/v1/feedback', { schema: { body } }, (request, reply) => {
    const refused: Refused[] = []
    let taken = 0
    for (const [index, { token, kind }] of request.body.reports.entries()) {
      const found = verifiedLink('app_feedback', token, ports)
      if (found.kind === 'refused') {
        refused.push({ index, reason: found.reason === 'expired' ? 'expired' : 'not_valid' })
        continue
      }
      const observed = { kind: kindOfReport[kind], automatic: false }
      const outcome = ports.feedback.offer(observedFeedback(found.link.deliveryId, observed, ports.now()))
      // Whatever of it was taken is known again when it comes again.
      if (outcome === 'dropped') return refuse(reply, { kind: 'unavailable', retryAfterSeconds })
      taken += 1
    }
    return reply.code(202).send({ taken, refused })
  })
}
