/**
 * The categories of a seeded database. Each brings the template of its own name.
 */
import type { Category, CategoryPresentation } from '../../domain/category.ts'
import type { Lane, RequestChannel } from '../../domain/channel.ts'

const minuteSeconds = 60
const daySeconds = 24 * 60 * minuteSeconds

export const seededCategories: readonly (Category & CategoryPresentation)[] = [
  {
    ...category('login-code', {
      lane: 'transactional',
      channels: ['push', 'sms'],
      en: 'Login codes',
      ko: '로그인 인증번호',
    }),
    mandatory: true,
    quietHoursPolicy: 'ignore',
    timeToLiveSeconds: 10 * minuteSeconds,
  },
  category('order-receipt', {
    lane: 'transactional',
    channels: ['push', 'email'],
    en: 'Receipts of your orders',
    ko: '주문 영수증',
  }),
  category('delivery-update', {
    lane: 'transactional',
    channels: ['push'],
    en: 'Where your parcel is',
    ko: '배송 안내',
  }),
  category('back-in-stock', { lane: 'bulk', channels: ['push', 'email'], en: 'Back in stock', ko: '재입고 알림' }),
  {
    ...category('weekly-offers', { lane: 'bulk', channels: ['email'], en: 'Weekly offers', ko: '주간 추천' }),
    // Whether an offer came twice matters more than whether it came.
    unknownPolicy: 'hold',
    timeToLiveSeconds: 3 * daySeconds,
  },
  {
    // What Fanfare itself sends to whoever is on call, at night too; an hour later it is no news.
    ...category('fanfare-alert', {
      lane: 'transactional',
      channels: ['push', 'sms', 'email'],
      en: 'Failures of Fanfare',
      ko: 'Fanfare 장애 알림',
    }),
    mandatory: true,
    listed: false,
    quietHoursPolicy: 'ignore',
    timeToLiveSeconds: 60 * minuteSeconds,
  },
]

interface Choices {
  lane: Lane
  channels: RequestChannel[]
  en: string
  ko: string
}

function category(name: string, { lane, channels, en, ko }: Choices): Category & CategoryPresentation {
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
    titles: { en, ko },
    listed: true,
  }
}
