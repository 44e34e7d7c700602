/**
 * Apps as text for a terminal. A secret is shown by the command that made it, and never again.
 */
import { textTable } from '../local/demo/text-table.ts'
import type { ListedApp } from '../postgres/apps.ts'
import { secondsOf } from './delivery-text.ts'

export function secretText(appKey: string, secret: string): string {
  return `app key:    ${appKey}\napp secret: ${secret}\nThe secret is not kept and not shown again.\n`
}

export function appTable(apps: readonly ListedApp[]): string {
  const heading = ['app', 'state', 'scopes', 'categories', 'channels', 'a second', 'secrets', 'next end', 'created']
  return textTable([heading, ...apps.map(rowOf)])
}

function rowOf(app: ListedApp): string[] {
  const { appKey, scopes, categories, channels, rateLimitPerSecond, secrets, nextSecretEndMs } = app
  return [
    appKey,
    app.disabledAtMs === null ? 'enabled' : `disabled ${secondsOf(app.disabledAtMs)}`,
    scopes.join(','),
    categories?.join(',') ?? 'all',
    channels?.join(',') ?? 'all',
    String(rateLimitPerSecond),
    String(secrets),
    nextSecretEndMs === null ? '-' : secondsOf(nextSecretEndMs),
    secondsOf(app.createdAtMs),
  ]
}
