/**
 * All dashboards. Run as a program this file writes monitoring/dashboards/; a test fails where those are others.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { channel } from './channel.ts'
import { grafanaJson, type Dashboard } from './dashboard.ts'
import { groups } from './groups.ts'
import { pipeline } from './pipeline.ts'
import { provider } from './provider.ts'
import { slo } from './slo.ts'

export const dashboardsFolder = join(import.meta.dirname, '../../monitoring/dashboards')

export const dashboards: readonly Dashboard[] = [pipeline, channel, provider, groups, slo]

if (import.meta.main) {
  for (const dashboard of dashboards)
    writeFileSync(join(dashboardsFolder, `${dashboard.name}.json`), grafanaJson(dashboard))
}
