/**
 * The templates of a seeded database: one published version each, in English and Korean, for the channels of the
 * category of the same name. `back-in-stock` is the book's: a body with item_name and date, and a title that calls to
 * action.
 *
 * Liquid with strict variables: an event that lacks a parameter fails with `template_error`.
 */
import type { CallToAction, TemplateContent } from '../../domain/template.ts'

export interface SeededTemplate {
  templateId: string
  version: number
  contents: { locale: string; content: TemplateContent }[]
}

export const seededTemplates: readonly SeededTemplate[] = [
  template('login-code', {
    en: [
      push('Your login code', '{{ code }} is your code. It is good for {{ minutes }} minutes.'),
      sms('{{ code }} is your Fanfare code. It is good for {{ minutes }} minutes. Never tell it to anyone.'),
    ],
    ko: [
      push('로그인 인증번호', '인증번호는 {{ code }}입니다. {{ minutes }}분 안에 입력해 주세요.'),
      sms('[Fanfare] 인증번호 {{ code }} ({{ minutes }}분 유효). 타인에게 알려주지 마세요.'),
    ],
  }),
  template('order-receipt', {
    en: [
      push('Thank you for your order', 'We have your order {{ order_id }} over {{ total }}.'),
      email({
        subject: 'Your order {{ order_id }}',
        paragraphs: ['Thank you for your order {{ order_id }}.'],
        list: { of: 'lines', item: '{{ each.quantity }} × {{ each.name }}: {{ each.price }}' },
        closing: 'Total: {{ total }}',
      }),
    ],
    ko: [
      push('주문해 주셔서 감사합니다', '주문 {{ order_id }} ({{ total }})이 접수되었습니다.'),
      email({
        subject: '주문 {{ order_id }} 안내',
        paragraphs: ['주문 {{ order_id }}이 접수되었습니다.'],
        list: { of: 'lines', item: '{{ each.name }} {{ each.quantity }}개: {{ each.price }}' },
        closing: '합계: {{ total }}',
      }),
    ],
  }),
  template('delivery-update', {
    en: [push('Out for delivery', '{{ courier }} brings {{ item_name }} {{ eta }}.')],
    ko: [push('배송 출발', '{{ courier }} 기사님이 {{ item_name }} 상품을 {{ eta }} 배송할 예정입니다.')],
  }),
  template('back-in-stock', {
    en: backInStock({
      title: '{{ item_name }} is back',
      body: 'You dreamed of it. We dared it. {{ item_name }} is back — only until {{ date }}.',
      callToAction: 'Order Now. Or, Save My {{ item_name }}',
    }),
    ko: backInStock({
      title: '{{ item_name }} 재입고',
      body: '꿈꾸던 그 상품, {{ item_name }}이 돌아왔습니다. {{ date }}까지만 만나보세요.',
      callToAction: '지금 주문하기, 또는 {{ item_name }} 저장하기',
    }),
  }),
  template('weekly-offers', {
    en: [
      email({
        subject: 'Your offers of week {{ week }}',
        paragraphs: ['What we picked for you this week:'],
        list: { of: 'offers', item: '{{ each.name }}, now {{ each.price }}' },
        callToAction: { title: 'See all offers', url: 'https://shop.example.com/offers/{{ week }}' },
      }),
    ],
    ko: [
      email({
        subject: '{{ week }}주차 추천 상품',
        paragraphs: ['이번 주 추천 상품입니다.'],
        list: { of: 'offers', item: '{{ each.name }}: {{ each.price }}' },
        callToAction: { title: '모두 보기', url: 'https://shop.example.com/offers/{{ week }}' },
      }),
    ],
  }),
  template('fanfare-alert', {
    en: alert({
      title: '{{ channel }} over {{ provider }} keeps failing',
      body: '{{ reason }}: {{ count }} times within {{ windowMinutes }} min.',
    }),
    ko: alert({
      title: '{{ channel }} 발송 실패 반복 ({{ provider }})',
      body: '{{ windowMinutes }}분 안에 {{ count }}회 실패: {{ reason }}',
    }),
  }),
]

function template(templateId: string, contentsOf: Readonly<Record<string, TemplateContent[]>>): SeededTemplate {
  const contents = Object.entries(contentsOf).flatMap(([locale, ofLocale]) =>
    ofLocale.map((content) => ({ locale, content })),
  )
  return { templateId, version: 1, contents }
}

function push(title: string, body: string, callToAction: CallToAction | null = null): TemplateContent {
  return { channel: 'push', title, body, callToAction }
}

function sms(body: string): TemplateContent {
  return { channel: 'sms', body }
}

/** One text for every channel. */
function alert({ title, body }: { title: string; body: string }): TemplateContent[] {
  return [push(title, body), sms(`[Fanfare] ${title}. ${body}`), email({ subject: title, paragraphs: [body] })]
}

function backInStock(texts: { title: string; body: string; callToAction: string }): TemplateContent[] {
  const callToAction = { title: texts.callToAction, url: 'https://shop.example.com/items/{{ item_name | url_encode }}' }
  return [
    push(texts.title, texts.body, callToAction),
    email({ subject: texts.title, paragraphs: [texts.body], callToAction }),
  ]
}

interface Email {
  subject: string
  paragraphs: readonly string[]
  /** `each` is one of the list's maps. */
  list?: { of: string; item: string }
  closing?: string
  callToAction?: CallToAction
}

/** The same content as text and as HTML. */
function email({ subject, paragraphs, list, closing, callToAction }: Email): TemplateContent {
  const html = paragraphs.map((paragraph) => `<p>${paragraph}</p>`)
  const text = [...paragraphs]
  if (list !== undefined) {
    html.push(`<ul>{% for each in ${list.of} %}<li>${list.item}</li>{% endfor %}</ul>`)
    text.push(`{% for each in ${list.of} %}- ${list.item}\n{% endfor %}`)
  }
  if (closing !== undefined) {
    html.push(`<p><strong>${closing}</strong></p>`)
    text.push(closing)
  }
  if (callToAction !== undefined) {
    html.push('<p><a href="{{ call_to_action.url }}">{{ call_to_action.title }}</a></p>')
    text.push('{{ call_to_action.title }}: {{ call_to_action.url }}')
  }
  return {
    channel: 'email',
    subject,
    text: text.join('\n\n'),
    html: html.join('\n'),
    callToAction: callToAction ?? null,
  }
}
