/**
 * What the pages say, in each language that they speak, and which one a reader gets.
 */
import type { RequestChannel } from '../../../domain/channel.ts'

export const languages = ['en', 'ko'] as const
export type Language = (typeof languages)[number]

export interface PageTexts {
  channel: Record<RequestChannel, { name: string; short: string; hint: string }>
  preferences: {
    title: string
    introduction: string
    saved: string
    channels: string
    channelsHint: string
    categories: string
    category: string
    always: string
    alwaysHint: string
    quietHours: string
    quietOn: string
    quietHint: string
    from: string
    until: string
    region: string
    language: string
    timeZone: string
    automatic: string
    deviceTimeZone: string
    save: string
    allOff: string
    quietFault: string
    private: string
    /** What a screen reader calls a switch of the matrix. */
    cell(category: string, channel: string): string
  }
  unsubscribe: {
    ask(category: string): string
    askHint: string
    button: string
    instead: string
    done: string
    doneHint(category: string): string
    changeMind: string
  }
  refusal: Record<'unknown' | 'expired' | 'unavailable' | 'nobody', { title: string; hint: string }>
}

const en: PageTexts = {
  channel: {
    push: { name: 'Push notifications', short: 'Push', hint: 'On the devices on which you use our app' },
    sms: { name: 'Text messages', short: 'Text', hint: 'To your telephone' },
    email: { name: 'Email', short: 'Email', hint: 'To your inbox' },
  },
  preferences: {
    title: 'Notification preferences',
    introduction: 'Choose what you hear from us, where and when. It holds from the next message on.',
    saved: 'Your preferences are saved.',
    channels: 'Where we reach you',
    channelsHint: 'What you switch off here stays silent, but for what you need.',
    categories: 'What you hear about',
    category: 'Topic',
    always: 'Always on',
    alwaysHint: 'What you need, such as codes to log in, cannot be switched off.',
    quietHours: 'Quiet hours',
    quietOn: 'Hold messages back for these hours',
    quietHint: 'On the clocks of your time zone. What waits comes afterwards.',
    from: 'From',
    until: 'Until',
    region: 'Language and time zone',
    language: 'Language',
    timeZone: 'Time zone',
    automatic: 'Automatic',
    deviceTimeZone: 'Use the time zone of this device',
    save: 'Save',
    allOff: 'Turn everything off',
    quietFault: 'Quiet hours need both a beginning and an end.',
    private: 'Whoever has the address of this page can change these settings. Please do not pass it on.',
    cell: (category, channel) => `${category}: ${channel}`,
  },
  unsubscribe: {
    ask: (category) => `Stop emails about “${category}”?`,
    askHint: 'You will get no more emails of this kind. Everything else still comes.',
    button: 'Unsubscribe',
    instead: 'Choose what you hear from us instead',
    done: 'You are unsubscribed',
    doneHint: (category) => `We send no more emails about “${category}”. One that is on its way may still arrive.`,
    changeMind: 'Change your mind, or choose more',
  },
  refusal: {
    unknown: {
      title: 'This link is not valid',
      hint: 'It may have been cut off on its way. Please open it again from the message.',
    },
    expired: { title: 'This link is too old', hint: 'Please use the link of a message that came later.' },
    unavailable: {
      title: 'Please try again',
      hint: 'We could not make sure that your change was saved. Please try again in a minute.',
    },
    nobody: { title: 'There is nothing to set', hint: 'This account does not exist any more.' },
  },
}

const ko: PageTexts = {
  channel: {
    push: { name: '푸시 알림', short: '푸시', hint: '앱을 사용하는 기기로 보냅니다' },
    sms: { name: '문자 메시지', short: '문자', hint: '등록하신 전화번호로 보냅니다' },
    email: { name: '이메일', short: '이메일', hint: '등록하신 이메일 주소로 보냅니다' },
  },
  preferences: {
    title: '알림 설정',
    introduction: '어떤 소식을 언제, 어디로 받을지 정하세요. 다음 메시지부터 적용됩니다.',
    saved: '설정을 저장했습니다.',
    channels: '받는 방법',
    channelsHint: '여기서 끄면 꼭 필요한 알림만 보냅니다.',
    categories: '받을 소식',
    category: '소식',
    always: '항상 받음',
    alwaysHint: '로그인 인증번호처럼 꼭 필요한 알림은 끌 수 없습니다.',
    quietHours: '방해 금지 시간',
    quietOn: '이 시간에는 알림을 보내지 않기',
    quietHint: '아래 시간대를 기준으로 하며, 그동안의 알림은 시간이 지난 뒤에 보내드립니다.',
    from: '시작',
    until: '종료',
    region: '언어와 시간대',
    language: '언어',
    timeZone: '시간대',
    automatic: '자동',
    deviceTimeZone: '이 기기의 시간대 사용',
    save: '저장',
    allOff: '모두 끄기',
    quietFault: '방해 금지 시간의 시작과 종료를 모두 입력해 주세요.',
    private: '이 페이지의 주소를 아는 사람은 누구나 설정을 바꿀 수 있습니다. 다른 사람과 공유하지 마세요.',
    cell: (category, channel) => `${category}: ${channel}`,
  },
  unsubscribe: {
    ask: (category) => `‘${category}’ 이메일을 그만 받으시겠어요?`,
    askHint: '이 종류의 이메일을 더 이상 보내지 않습니다. 다른 알림은 계속 받으실 수 있습니다.',
    button: '수신 거부',
    instead: '받을 소식을 직접 고르기',
    done: '수신 거부되었습니다',
    doneHint: (category) => `‘${category}’ 이메일을 더 이상 보내지 않습니다. 이미 발송된 메일은 도착할 수 있습니다.`,
    changeMind: '다시 받거나 다른 알림도 설정하기',
  },
  refusal: {
    unknown: {
      title: '올바르지 않은 링크입니다',
      hint: '링크가 중간에 잘렸을 수 있습니다. 받으신 메시지에서 다시 열어 주세요.',
    },
    expired: { title: '만료된 링크입니다', hint: '더 최근에 받으신 메시지의 링크를 이용해 주세요.' },
    unavailable: {
      title: '다시 시도해 주세요',
      hint: '변경 내용이 저장되었는지 확인하지 못했습니다. 잠시 후 다시 시도해 주세요.',
    },
    nobody: { title: '설정할 내용이 없습니다', hint: '더 이상 존재하지 않는 계정입니다.' },
  },
}

export const textsOf: Record<Language, PageTexts> = { en, ko }

/** The first of the wanted tags whose language the pages speak; else English. */
export function pickLanguage(wanted: readonly (string | null)[]): Language {
  for (const tag of wanted) {
    const found = languages.find((language) => tag?.toLowerCase().split('-')[0] === language)
    if (found !== undefined) return found
  }
  return 'en'
}

/** At most so many are looked at. */
const acceptedMax = 10

/** The tags of an Accept-Language header, most wanted first (RFC 9110, section 12.5.4). */
export function acceptedLanguages(header: string | undefined): string[] {
  return (header ?? '')
    .split(',', acceptedMax)
    .map((entry, place) => {
      const [tag = '', ...parameters] = entry.split(';').map((part) => part.trim())
      const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1'
      return { tag, place, weight: Number(quality) || 0 }
    })
    .filter(({ tag, weight }) => tag !== '' && weight > 0)
    .toSorted((a, b) => b.weight - a.weight || a.place - b.place)
    .map(({ tag }) => tag)
}

/** What people call a category: its title in their language, in English, in any; else its name, made readable. */
export function categoryTitle(
  { name, titles }: { name: string; titles: Readonly<Record<string, string>> },
  language: Language,
): string {
  const title = titles[language] ?? titles['en'] ?? Object.values(titles)[0]
  if (title !== undefined && title.trim() !== '') return title
  const words = name.replaceAll(/[._:/@-]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
