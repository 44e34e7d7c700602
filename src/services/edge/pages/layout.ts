/**
 * The frame of every page: language, title, style, and nothing from elsewhere.
 */
import type { FastifyReply } from 'fastify'
import { createHash } from 'node:crypto'
import type { HttpServer } from '../../../http/server.ts'
import { html, type Html } from './html.ts'
import { preferencesScript } from './script.ts'
import { styleSheet } from './style.ts'
import type { Language } from './texts.ts'

export interface Page {
  language: Language
  title: string
  /** `small`: a question or an answer, and no form to work through. */
  size: 'small' | 'large'
  content: Html
  /** Whether it loads the script. */
  scripted?: boolean
}

/** A name changes with what it names, so a browser may keep it for good. */
function named(text: string, extension: string): string {
  return `/assets/${createHash('sha256').update(text).digest('hex').slice(0, 12)}.${extension}`
}

const assets = [
  { path: named(styleSheet, 'css'), type: 'text/css; charset=utf-8', text: styleSheet },
  { path: named(preferencesScript, 'js'), type: 'text/javascript; charset=utf-8', text: preferencesScript },
] as const
const [style, script] = assets

/** Browsers ask for it by themselves, and would write an error into their console. */
const iconPath = '/favicon.ico'

export function assetRoutes(pages: HttpServer): void {
  pages.get(iconPath, (_request, reply) => reply.code(204).header('cache-control', 'public, max-age=86400').send())
  for (const { path, type, text } of assets) {
    pages.get(path, (_request, reply) =>
      reply.header('cache-control', 'public, max-age=31536000, immutable').type(type).send(text),
    )
  }
}

/** Answers with a page that nobody keeps: its address is a key, and what it says is somebody's own. */
export function sendPage(reply: FastifyReply, page: Page, status = 200): FastifyReply {
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .header('vary', 'accept-language')
    .type('text/html; charset=utf-8')
    .send(documentOf(page, upFrom(reply)))
}

/** Relative, because a proxy may serve the edge below a path of its own, which only the browser knows. */
function upFrom(reply: FastifyReply): string {
  const [path = ''] = reply.request.url.split('?', 1)
  return '../'.repeat(Math.max(0, path.split('/').length - 2)) || './'
}

function documentOf({ language, title, size, content, scripted = false }: Page, up: string): string {
  return html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex, nofollow" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="stylesheet" href="${up}${style.path.slice(1)}" />
        ${scripted && html`<script src="${up}${script.path.slice(1)}" defer></script>`}
      </head>
      <body>
        <main class="${size}">${content}</main>
      </body>
    </html>`.text
}
