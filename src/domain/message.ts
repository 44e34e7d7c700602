/**
 * A rendered message, ready for a provider.
 */
import type { CallToAction } from './template.ts'

export type Message =
  | {
      kind: 'push'
      title: string
      body: string
      callToAction: CallToAction | null
      deepLink: string | null
      /** What the app sends back with what it reports; null where no links are put into messages. */
      feedbackToken: string | null
    }
  | { kind: 'sms'; body: string; segments: number }
  | {
      kind: 'email'
      subject: string
      text: string
      html: string
      headers: Record<string, string>
      /** The HTML has our pixel and our links: the provider is not to add its own. */
      tracked: boolean
    }

export type MessageKind = Message['kind']
export type MessageOf<Kind extends MessageKind> = Extract<Message, { kind: Kind }>
