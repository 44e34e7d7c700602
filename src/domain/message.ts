/**
 * A rendered message, ready for a provider.
 */
import type { CallToAction } from './template.ts'

export type Message =
  | { kind: 'push'; title: string; body: string; callToAction: CallToAction | null; deepLink: string | null }
  | { kind: 'sms'; body: string; segments: number }
  | { kind: 'email'; subject: string; text: string; html: string; headers: Record<string, string> }

export type MessageKind = Message['kind']
export type MessageOf<Kind extends MessageKind> = Extract<Message, { kind: Kind }>
