/**
 * The links that Fanfare puts into a message: where on the edge each kind lies, and what may stand behind a click.
 */
import { signLink, type LinkKind, type LinkSigning } from './signed-link.ts'

/** Under the edge's base URL; the app's feedback has no link, only its token. */
export const linkPaths: Record<Exclude<LinkKind, 'app_feedback'>, string> = {
  open: '/o/',
  click: '/c/',
  unsubscribe: '/u/',
  preferences: '/p/',
}

export interface LinkedDelivery {
  deliveryId: string
  userId: number
  category: string
}

/** The links of one delivery, each signed when it is asked for. */
export interface MessageLinks {
  /** The edge's base URL: what begins so is a link of ours already. */
  readonly edgeUrl: string
  openPixel(): string
  /** @param index which link of the message, counted from 1. @param url as `followableUrl` gives it. */
  click(index: number, url: string): string
  unsubscribe(): string
  preferences(): string
  /** What the app sends back with what it reports about a push; not a URL. */
  appFeedbackToken(): string
}

/** @param edgeUrl the edge's base URL without a slash at the end. */
export function messageLinksOf(
  { deliveryId, userId, category }: LinkedDelivery,
  { edgeUrl, signing }: { edgeUrl: string; signing: LinkSigning },
): MessageLinks {
  const under = (kind: keyof typeof linkPaths, signed: string) => `${edgeUrl}${linkPaths[kind]}${signed}`
  return {
    edgeUrl,
    openPixel: () => under('open', signLink({ kind: 'open', deliveryId }, signing)),
    click: (linkIndex, url) => under('click', signLink({ kind: 'click', deliveryId, linkIndex, url }, signing)),
    unsubscribe: () => under('unsubscribe', signLink({ kind: 'unsubscribe', deliveryId, userId, category }, signing)),
    preferences: () => under('preferences', signLink({ kind: 'preferences', deliveryId, userId }, signing)),
    appFeedbackToken: () => signLink({ kind: 'app_feedback', deliveryId }, signing),
  }
}

/** As feedback and statuses name the link: its place among those of the message, counted from 1. */
export function linkIdOf(linkIndex: number): string {
  return String(linkIndex)
}

/** Longer ones are left as they are: some mail programs cut long links off. */
const followableUrlCharactersMax = 2_000

/**
 * The URL as a browser would ask for it, in ASCII; undefined for what a redirect must not lead to: another scheme than
 * http and https, a password in the URL, and what is no URL.
 */
export function followableUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { protocol, username, password, href } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:') return undefined
  if (username !== '' || password !== '' || href.length > followableUrlCharactersMax) return undefined
  return href
}
