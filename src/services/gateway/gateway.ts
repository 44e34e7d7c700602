/**
 * The gateway's routes, one line for each group. A group is a function of the server and of the ports that it declares,
 * in a file of its own, with schemas for all that comes in and goes out.
 *
 * Every operation has an example in test/support/gateway-examples/, from which its contract test is made.
 */
import type { HttpServer } from '../../http/server.ts'
import { analyticsRoutes, type AnalyticsPorts } from './analytics-routes.ts'
import { categoryRoutes, type CategoryPorts } from './category-routes.ts'
import { deviceRoutes, type DevicePorts } from './device-routes.ts'
import { importRoutes } from './import-routes.ts'
import type { ImportPorts } from './import-users.ts'
import { notificationRoutes, type NotificationPorts } from './notification-routes.ts'
import { preferenceLinkRoute, type PreferenceLinkPorts } from './preference-link-route.ts'
import { settingRoutes, type SettingPorts } from './setting-routes.ts'
import { suppressionRoutes, type SuppressionPorts } from './suppression-routes.ts'
import { templateRoutes, type TemplatePorts } from './template-routes.ts'
import { userRoutes, type UserPorts } from './user-routes.ts'

export interface GatewayPorts {
  notifications: NotificationPorts
  users: UserPorts
  imports: ImportPorts
  devices: DevicePorts
  settings: SettingPorts
  preferenceLinks: PreferenceLinkPorts
  categories: CategoryPorts
  templates: TemplatePorts
  suppressions: SuppressionPorts
  analytics: AnalyticsPorts
}

export function registerRoutes(server: HttpServer, ports: GatewayPorts): void {
  notificationRoutes(server, ports.notifications)
  userRoutes(server, ports.users)
  importRoutes(server, ports.imports)
  deviceRoutes(server, ports.devices)
  settingRoutes(server, ports.settings)
  preferenceLinkRoute(server, ports.preferenceLinks)
  categoryRoutes(server, ports.categories)
  templateRoutes(server, ports.templates)
  suppressionRoutes(server, ports.suppressions)
  analyticsRoutes(server, ports.analytics)
}
