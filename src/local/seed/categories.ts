/**
 * The categories of a seeded database. Each brings the template of its own name.
 */
import type { Category } from '../../domain/category.ts'
import type { Lane, RequestChannel } from '../../domain/channel.ts'

const minuteSeconds = 60
const daySeconds = 24 * 60 * minuteSeconds

export const seededCategories: readonly Category[] = [
  {
    ...category('login-code', { lane: 'transactional', channels: ['push', 'sms'] }),
    mandatory: true,
    quietHoursPolicy: 'ignore',
    timeToLiveSeconds: 10 * minuteSeconds,
  },
  category('order-receipt', { lane: 'transactional', channels: ['push', 'email'] }),
  category('delivery-update', { lane: 'transactional', channels: ['push'] }),
  category('back-in-stock', { lane: 'bulk', channels: ['push', 'email'] }),
  {
    ...category('weekly-offers', { lane: 'bulk', channels: ['email'] }),
    // Whether an offer came twice matters more than whether it came.
    unknownPolicy: 'hold',
    timeToLiveSeconds: 3 * daySeconds,
  },
  {
    // What Fanfare itself sends to whoever is on call, at night too; an hour later it is no news.
    ...category('fanfare-alert', { lane: 'transactional', channels: ['push', 'sms', 'email'] }),
    mandatory: true,
    quietHoursPolicy: 'ignore',
    timeToLiveSeconds: 60 * minuteSeconds,
  },
]

function category(name: string, { lane, channels }: { lane: Lane; channels: RequestChannel[] }): Category {
  return {
    name,
    lane,
    channels,
    mandatory: false,
    optInDefault: true,
    caps: [],
    overCapPolicy: 'defer',
    capsUnavailablePolicy: 'send',
    quietHoursPolicy: 'defer',
    sendWindow: null,
    timeToLiveSeconds: daySeconds,
    unknownPolicy: 'resend',
    templateId: name,
  }
}
