/**
 * The headers that every answer carries, whatever it says: nothing is cached, framed, sniffed or run.
 */
import helmet from '@fastify/helmet'
import type { HttpServer } from './server.ts'

/** A page sets a policy of its own over this one. */
export async function secureHeaders(server: HttpServer): Promise<void> {
  await server.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    referrerPolicy: { policy: 'no-referrer' },
  })
  server.addHook('onRequest', (_request, reply, done) => {
    void reply.header('cache-control', 'no-store')
    done()
  })
}
