/**
 * The frame of pages for people: what a browser may do with them, and the forms that they send.
 *
 * A page loads nothing from elsewhere, runs no inline script, can be framed by nobody, and tells nobody where its reader
 * came from: its address is the reader's key.
 */
import formbody from '@fastify/formbody'
import helmet from '@fastify/helmet'
import type { HttpServer } from './server.ts'

/** A form has some fields for each category. */
const formBytesMax = 64 * 1024

const contentSecurityPolicy = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    styleSrc: ["'self'"],
    scriptSrc: ["'self'"],
    imgSrc: ["'self'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
  },
}

/** `forms`: as a browser sends them. `ignored`: whatever comes, up to a few KiB, is taken and not looked at. */
export type PageBodies = 'forms' | 'ignored'

const ignoredBytesMax = 16 * 1024

/** Registers routes whose answers are pages, apart from all others of the server. */
export function registerPages(server: HttpServer, bodies: PageBodies, routes: (pages: HttpServer) => void): void {
  void server.register(async (pages) => {
    await pages.register(helmet, {
      contentSecurityPolicy,
      frameguard: { action: 'deny' },
      referrerPolicy: { policy: 'no-referrer' },
    })
    pages.removeAllContentTypeParsers()
    if (bodies === 'forms') await pages.register(formbody, { bodyLimit: formBytesMax })
    else {
      const ignore = { parseAs: 'buffer', bodyLimit: ignoredBytesMax } as const
      pages.addContentTypeParser('*', ignore, (_request, _body, done) => done(null))
    }
    routes(pages)
  })
}
