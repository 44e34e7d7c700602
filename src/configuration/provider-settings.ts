/**
 * What can be set about the providers: which of them serve a channel, in order of preference, and the settings of each.
 *
 * A provider's own config.ts decides what its settings must be; here stands what that file cannot know: the names of the
 * variables, which of them are secret, and the words for the person who sets them.
 */
import type { z } from 'zod'
import type { Channel } from '../domain/channel.ts'
import { apnsSettings, type ApnsSettings } from '../providers/apns/config.ts'
import { fcmSettings, type FcmSettings } from '../providers/fcm/config.ts'
import {
  sendgridSettings,
  sendgridWebhookSettings,
  type SendgridSettings,
  type SendgridWebhookSettings,
} from '../providers/sendgrid/config.ts'
import {
  twilioSettings,
  twilioWebhookSettings,
  type TwilioSettings,
  type TwilioWebhookSettings,
} from '../providers/twilio/config.ts'
import { orderedListOf, type Variable } from './variable.ts'

/** A provider with its settings, as a role's wiring takes it. */
export type ConfiguredProvider =
  | { name: 'apns'; settings: ApnsSettings }
  | { name: 'fcm'; settings: FcmSettings }
  | { name: 'twilio'; settings: TwilioSettings }
  | { name: 'sendgrid'; settings: SendgridSettings }

export type ProviderName = ConfiguredProvider['name']

/** What is needed to read a provider's webhooks, and none of what is needed to send: the edge faces the world. */
export type ConfiguredWebhooks =
  | { name: 'twilio'; settings: TwilioWebhookSettings }
  | { name: 'sendgrid'; settings: SendgridWebhookSettings }

/** Providers that report by webhook; a part of their settings each. */
export const webhookSettings: {
  [Name in ConfiguredWebhooks['name']]: z.ZodObject & z.ZodType<Extract<ConfiguredWebhooks, { name: Name }>['settings']>
} = { twilio: twilioWebhookSettings, sendgrid: sendgridWebhookSettings }

/** By channel, most preferred first. */
export const providerOrder = {
  ios: orderedListOf({
    name: 'FANFARE_PROVIDERS_IOS',
    meaning: 'Providers of ios, most preferred first',
    words: ['apns'],
    default: 'apns',
  }),
  android: orderedListOf({
    name: 'FANFARE_PROVIDERS_ANDROID',
    meaning: 'Providers of android, most preferred first',
    words: ['fcm'],
    default: 'fcm',
  }),
  sms: orderedListOf({
    name: 'FANFARE_PROVIDERS_SMS',
    meaning: 'Providers of sms, most preferred first',
    words: ['twilio'],
    default: 'twilio',
  }),
  email: orderedListOf({
    name: 'FANFARE_PROVIDERS_EMAIL',
    meaning: 'Providers of email, most preferred first',
    words: ['sendgrid'],
    default: 'sendgrid',
  }),
} as const satisfies Record<Channel, Variable<ProviderName[]>>

/** What a person reads about one setting. */
export interface SettingDescription {
  meaning: string
  expectation: string
  secret: Variable['secret']
}

interface ProviderSettings<Settings> {
  /** An object of settings from text; keys in camel case become variables: `keyId` is `FANFARE_APNS_KEY_ID`. */
  schema: z.ZodObject & z.ZodType<Settings>
  variables: { [Key in keyof Required<Settings>]: SettingDescription }
}

function endpoint(expectation: string): SettingDescription {
  return { meaning: 'Where the provider is reached; only for a region or the simulator', expectation, secret: 'url' }
}
const tlsEndpoint = endpoint('https://host:port')
const httpEndpoint = endpoint('an http or https URL without a path')

// Secret, because it is easily mistaken for the place of the private key.
const authority: SettingDescription = {
  meaning: 'Certificate authorities to trust instead of the public ones',
  expectation: 'certificates as PEM, or the path of their file',
  secret: 'yes',
}

function timeoutUpTo(limitMs: number): SettingDescription {
  const expectation = `a whole number of milliseconds from 100 to ${limitMs}`
  return { meaning: 'Time-out of one call', expectation, secret: 'no' }
}

export const providerSettings: {
  [Name in ProviderName]: ProviderSettings<Extract<ConfiguredProvider, { name: Name }>['settings']>
} = {
  apns: {
    schema: apnsSettings,
    variables: {
      signingKey: {
        meaning: 'Signing key of the team',
        expectation: 'an EC private key as PEM (the .p8 file), or the path of its file',
        secret: 'yes',
      },
      keyId: { meaning: 'Id of the signing key', expectation: '10 upper-case letters and digits', secret: 'no' },
      teamId: { meaning: 'Id of the developer team', expectation: '10 upper-case letters and digits', secret: 'no' },
      topic: { meaning: 'Bundle id of the app', expectation: 'a bundle id', secret: 'no' },
      environment: { meaning: 'Which devices’ tokens these are', expectation: 'production or sandbox', secret: 'no' },
      endpoint: tlsEndpoint,
      ca: authority,
      timeoutMs: timeoutUpTo(60_000),
    },
  },
  fcm: {
    schema: fcmSettings,
    variables: {
      projectId: { meaning: 'Firebase project', expectation: 'a project id', secret: 'no' },
      serviceAccount: {
        meaning: 'Service account; this or the access token',
        expectation: 'the JSON key of a service account, or the path of its file',
        secret: 'yes',
      },
      accessToken: {
        meaning: 'Access token sent as it is, for the simulator and for proxies that authenticate themselves',
        expectation: 'an access token',
        secret: 'yes',
      },
      endpoint: tlsEndpoint,
      ca: authority,
      timeoutMs: timeoutUpTo(15_000),
    },
  },
  twilio: {
    schema: twilioSettings,
    variables: {
      accountSid: { meaning: 'Account', expectation: 'AC and 32 hexadecimal digits', secret: 'no' },
      authToken: {
        meaning: 'Authentication token of the account; its webhooks are signed by it',
        expectation: 'a token',
        secret: 'yes',
      },
      nextAuthToken: {
        meaning: 'The token that is about to replace it: webhooks signed by it are taken too',
        expectation: 'a token',
        secret: 'yes',
      },
      from: {
        meaning: 'Sending number or messaging service',
        expectation: 'an E.164 number, or MG and 32 hexadecimal digits',
        secret: 'no',
      },
      endpoint: httpEndpoint,
      timeoutMs: timeoutUpTo(60_000),
      statusCallback: {
        meaning: 'Public URL at which Twilio reports what becomes of a message; none means no reports',
        expectation: 'an https URL',
        secret: 'url',
      },
    },
  },
  sendgrid: {
    schema: sendgridSettings,
    variables: {
      apiKey: { meaning: 'API key that may send mail', expectation: 'a key that begins with SG.', secret: 'yes' },
      from: { meaning: 'Sending address', expectation: 'an email address', secret: 'no' },
      fromName: { meaning: 'Name shown beside the sending address', expectation: 'a name', secret: 'no' },
      endpoint: httpEndpoint,
      timeoutMs: timeoutUpTo(60_000),
      webhookPublicKey: {
        meaning:
          'Verification key of the Event Webhook, several while one is replaced; none means that the edge takes no events',
        expectation: 'one or more public keys as SendGrid shows them, separated by commas',
        secret: 'no',
      },
    },
  },
}

/** `keyId` of `apns` → `FANFARE_APNS_KEY_ID`. */
export function settingVariable(provider: ProviderName, key: string): Variable['name'] {
  const words = key.replace(/[A-Z]/g, (letter) => `_${letter}`)
  return `FANFARE_${provider.toUpperCase()}_${words.toUpperCase()}`
}
