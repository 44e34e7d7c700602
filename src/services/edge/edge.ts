/**
 * The edge's routes: the public surface. A group of routes is a function of the server and of what it needs, in a file of
 * its own.
 *
 * Nobody logs in here. Whoever calls proves what they may do by what they send: a link that we signed, or a webhook that
 * a provider signed. What cannot be verified is refused before anything is looked up.
 */
import { registerPages } from '../../http/pages.ts'
import type { HttpServer } from '../../http/server.ts'
import { appFeedbackRoutes } from './app-feedback.ts'
import { assetRoutes } from './pages/layout.ts'
import type { EdgePorts } from './ports.ts'
import { preferencesRoutes } from './preferences.ts'
import { clickRoutes, openRoutes } from './tracking.ts'
import { unsubscribeRoutes } from './unsubscribe.ts'
import { webhookRoutes } from './webhooks.ts'

export function registerEdgeRoutes(server: HttpServer, ports: EdgePorts): void {
  openRoutes(server, ports)
  appFeedbackRoutes(server, ports)
  webhookRoutes(server, ports.webhooks)
  registerPages(server, 'forms', (pages) => {
    assetRoutes(pages)
    clickRoutes(pages, ports)
    preferencesRoutes(pages, ports)
  })
  registerPages(server, 'ignored', (pages) => unsubscribeRoutes(pages, ports))
}
