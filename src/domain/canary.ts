/**
 * The canary: a person who does not exist, to whom a notification goes every minute over every channel and lane, so that
 * somebody notices when nothing arrives any more although nothing looks broken.
 *
 * Its addresses can belong to nobody, and whoever sends hands what goes to them to the sink instead of a provider.
 */
import { lanes, type Channel, type Lane } from './channel.ts'
import type { Category } from './category.ts'
import type { TemplateDraft } from './template.ts'

/** The largest id that Avro's library writes: no sign-up comes to it. */
export const canaryUserId = Number.MAX_SAFE_INTEGER - 1

/** As apps have a name. */
export const canarySource = 'fanfare-canary'

/**
 * Reserved for nobody: `.invalid` (RFC 2606), a number of Ofcom's for drama, and tokens that no device is given. APNs's are
 * hexadecimal, and a random one would have to meet 256 bits.
 */
export const canaryAddresses: Readonly<Record<Channel, string>> = {
  ios: 'fa9fa9e0ca4a9e00'.repeat(4),
  android: 'fanfare-canary',
  sms: '+447700900999',
  email: 'canary@fanfare.invalid',
}

export const canaryDevices = [
  { deviceId: '00000000-0000-4000-8000-00000000ca01', platform: 'ios' },
  { deviceId: '00000000-0000-4000-8000-00000000ca02', platform: 'android' },
] as const

const templateId = 'fanfare-canary'

export function canaryCategory(lane: Lane): Category {
  return {
    name: `fanfare-canary-${lane}`,
    lane,
    channels: ['push', 'sms', 'email'],
    // At night too, and however many there were: it has to arrive.
    mandatory: true,
    optInDefault: true,
    caps: [],
    overCapPolicy: 'defer',
    capsUnavailablePolicy: 'send',
    quietHoursPolicy: 'ignore',
    sendWindow: null,
    timeToLiveSeconds: 600,
    unknownPolicy: 'resend',
    templateId,
  }
}

export const canaryCategories: readonly Category[] = lanes.map(canaryCategory)

const sentence = 'The canary sings.'

export const canaryTemplate: TemplateDraft = {
  templateId,
  description: 'What `fanfare canary` sends to nobody.',
  defaultLocale: 'en',
  contents: [
    {
      locale: 'en',
      variables: [],
      content: { channel: 'push', title: 'Fanfare', body: sentence, callToAction: null, deepLink: null },
    },
    { locale: 'en', variables: [], content: { channel: 'sms', body: sentence } },
    {
      locale: 'en',
      variables: [],
      content: { channel: 'email', subject: 'Fanfare', text: sentence, html: `<p>${sentence}</p>`, callToAction: null },
    },
  ],
}
