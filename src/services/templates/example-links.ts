/**
 * Links as long as real ones, for whoever renders a message that nobody gets: a trial before publishing, a preview.
 */
import type { MessageLinks } from '../../domain/message-links.ts'
import type { ReaderUrls } from './liquid.ts'

const edgeUrl = 'https://links.example.com'
/** As `signLink` makes them: of a category with a name of 24 bytes. */
const tokenOf = (characters: number) => 'example-'.padEnd(characters, 'x')

export const exampleLinks: MessageLinks = {
  edgeUrl,
  openPixel: () => `${edgeUrl}/o/${tokenOf(46)}`,
  click: (_index, url) => `${edgeUrl}/c/${tokenOf(48)}/${Buffer.from(url).toString('base64url')}`,
  unsubscribe: () => `${edgeUrl}/u/${tokenOf(87)}`,
  preferences: () => `${edgeUrl}/p/${tokenOf(55)}`,
  appFeedbackToken: () => tokenOf(46),
}

/** As most readers have them. */
export const exampleUrls: ReaderUrls = {
  unsubscribe: exampleLinks.unsubscribe(),
  preferences: exampleLinks.preferences(),
}
