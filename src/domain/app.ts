/**
 * Apps: the services that may call the gateway, and what each may do there.
 */
import { requestChannels, type RequestChannel } from './channel.ts'

/** What a route of the gateway may ask for. `admin` includes the others, and every app's notifications. */
export const appScopes = ['notifications:send', 'users:write', 'admin'] as const
export type AppScope = (typeof appScopes)[number]

/**
 * An app's key is the source of its notifications and the user name of its credentials, so it holds no colon (RFC 7617)
 * and satisfies what a source must.
 */
export const appKeyForm = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** What an app is allowed. Null means all. */
export interface AppGrants {
  scopes: readonly AppScope[]
  categories: readonly string[] | null
  channels: readonly RequestChannel[] | null
}

export function hasScope({ scopes }: Pick<AppGrants, 'scopes'>, scope: AppScope): boolean {
  return scopes.includes(scope) || scopes.includes('admin')
}

export function maySendCategory({ categories }: Pick<AppGrants, 'categories'>, category: string): boolean {
  return categories === null || categories.includes(category)
}

/** @returns the channels that it asks for (of the event or its category) and may not use. */
export function channelsNotAllowed(
  { channels: allowed }: Pick<AppGrants, 'channels'>,
  asked: readonly RequestChannel[],
): RequestChannel[] {
  return allowed === null ? [] : requestChannels.filter((each) => asked.includes(each) && !allowed.includes(each))
}
