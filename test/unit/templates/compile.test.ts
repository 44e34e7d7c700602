import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileTemplate } from '../../../src/services/templates/compile.ts'
import { faultLine } from '../../../src/services/templates/template-fault.ts'
import { mjmlAround, smsOnly, templateFiles } from '../../support/builders/template-files.ts'

async function draftOf(files: Map<string, string>) {
  const compiled = await compileTemplate('back-in-stock', files)
  assert.ok(compiled.kind === 'compiled', compiled.kind === 'refused' ? compiled.faults.map(faultLine).join('\n') : '')
  return compiled.draft
}

async function faultsOf(files: Map<string, string>): Promise<string[]> {
  const compiled = await compileTemplate('back-in-stock', files)
  return compiled.kind === 'refused' ? compiled.faults.map(faultLine) : []
}

describe('a compiled template', () => {
  test('has a content for each part, with what it needs', async () => {
    const { templateId, description, defaultLocale, contents } = await draftOf(templateFiles())
    assert.deepEqual([templateId, description, defaultLocale], ['back-in-stock', 'An item is back.', 'en'])
    assert.deepEqual(
      contents.map(({ locale, content, variables }) => [locale, content.channel, variables]),
      [
        ['en', 'push', ['item_name']],
        ['en', 'sms', ['item_name']],
        ['en', 'email', ['item_name']],
      ],
    )
    assert.deepEqual(contents[0]?.content, {
      channel: 'push',
      title: 'Good news',
      body: '{{ item_name }} is back.',
      callToAction: { title: 'Order now', url: 'https://shop.example.com/items?name={{ item_name | url_encode }}' },
      deepLink: null,
    })
  })

  test('needs in each part only what that part uses', async () => {
    const files = templateFiles({
      'template.yaml': `description: x
defaultLocale: en
samples: { one: { item_name: Umbrella, date: today, lines: [{ name: Lamp }] } }`,
      'en/sms.txt': '{{ date }}',
      'en/email.txt': '{% for line in lines %}{{ line.name }}{% endfor %}',
    })
    const { contents } = await draftOf(files)
    assert.deepEqual(
      contents.map(({ variables }) => variables),
      [['item_name'], ['date'], ['item_name', 'lines', 'lines[].name']],
    )
  })

  test('does not need what is declared optional', async () => {
    const head = 'optional: [name, "lines[].note"]\nsamples: { a: { name: Ada, lines: [{ note: x }] } }'
    const sms =
      'Hello {{ name | default: "you" }}{% for line in lines %}{% if line.note %}{{ line.note }}{% endif %}{% endfor %}'
    const { contents } = await draftOf(smsOnly(sms, head))
    assert.deepEqual(contents[0]?.variables, ['lines'])
  })
})

describe('a template is refused', () => {
  const texts: Record<string, [files: Map<string, string>, faults: RegExp[]]> = {
    'for a tag that is not closed': [
      smsOnly('Hello\n{% if item_name %}'),
      [/^en\/sms\.txt: expected liquid, received tag \{% if item_name %\} not closed, line:2, col:1$/],
    ],
    'for a filter that nobody knows': [
      smsOnly('{{ item_name | shout }}'),
      [/^en\/sms\.txt: expected liquid, received undefined filter: shout, line:1/],
    ],
    'for a filter that hides its variables in a text': [
      smsOnly('{{ item_name | where_exp: "x", "x.price > limit" }}'),
      [/received undefined filter: where_exp/],
    ],
    'for another template in it': [smsOnly('{% include "secret" %}'), [/received tag "include" not found/]],
    'for switching the escaping off': [
      templateFiles({ 'en/email.mjml': mjmlAround('{{ item_name | raw }}') }),
      [/^en\/email\.mjml: expected liquid, received undefined filter: raw, line:2/],
    ],
    'for a loop without end, with nobody waiting for it': [
      smsOnly('{% for a in (1..99999) %}{% for b in (1..99999) %}{{ item_name }}{% endfor %}{% endfor %}'),
      [
        /^en\/sms\.txt, with the sample umbrella: expected to be rendered within 200 ms and 5000000 objects and characters, received template render limit exceeded/,
      ],
    ],
    'for a loop that fills the memory': [
      smsOnly('{% for a in (1..100000000) %}{{ item_name }}{% endfor %}'),
      [/received memory alloc limit exceeded/],
    ],
    'for an SMS that is too long': [
      smsOnly('{{ item_name }}', `samples: { long: { item_name: ${'x'.repeat(1_601)} } }`),
      [/^en\/sms\.txt, with the sample long: expected at most 1600 characters, received 1601$/],
    ],
    'for a push that is too large': [
      templateFiles({ 'en/push.yaml': `title: x\nbody: ${'가'.repeat(1_400)}` }),
      [/^en\/push\.yaml, with the sample umbrella: expected at most 4096 bytes in all, received \d+$/],
    ],
    'for an email that would be cut': [
      templateFiles({ 'en/email.mjml': mjmlAround('x'.repeat(102_400)) }),
      [/^en\/email, with the sample umbrella: expected at most 102400 bytes of HTML, received \d+$/],
    ],
    'for a message that says nothing': [
      smsOnly('{% if item_name == "Lamp" %}{{ item_name }}{% endif %}'),
      [/^en\/sms\.txt, with the sample umbrella: expected a text that says something, received an empty one$/],
    ],
    'for data that cannot be as deep': [
      smsOnly('{% if item_name.price %}x{% endif %}'),
      [/^en\/sms\.txt: expected a scalar, or a field of a list’s maps: data are no deeper, received item_name\.price$/],
    ],
    'for a variable that no event can name': [
      smsOnly('{{ ["item name"] }}'),
      [/^en\/sms\.txt: expected names of letters, digits, _ and -, received "item name"$/],
    ],
    'for a sample that lacks what a part needs': [
      smsOnly('{{ item_name }} {{ date }}'),
      [
        /^template\.yaml, samples\.umbrella: expected date, which en\/sms\.txt needs \(or is it optional\?\), received nothing$/,
      ],
    ],
    'for an optional variable that it cannot do without': [
      smsOnly('{{ item_name }}', 'optional: [item_name]\nsamples: { one: { item_name: x } }'),
      [
        /^en\/sms\.txt, with the sample one without item_name: expected no use of what may be missing, .*, received undefined variable: item_name/,
      ],
    ],
    'for optional variables of which it needs one or the other': [
      smsOnly('{% if a %}{{ a }}{% else %}{{ b }}{% endif %}', 'optional: [a, b]\nsamples: { one: { a: x, b: y } }'),
      [/^en\/sms\.txt, with the sample one without a, b: expected no use .*, received undefined variable: b/],
    ],
    'for a part that is longer than liquid reads': [
      smsOnly('x'.repeat(200_001)),
      [/^en\/sms\.txt: expected at most 200000 characters, received 200001$/],
    ],
    'for an optional variable that it does not use': [
      smsOnly('{{ item_name }}', 'optional: [nickname]\nsamples: { one: { item_name: x } }'),
      [/^template\.yaml, optional: expected variables that a part uses, received "nickname"$/],
    ],
    'for a link to unsubscribe that it cannot do without': [
      templateFiles({ 'en/email.txt': 'Leave: {{ unsubscribe_url }}' }),
      [
        /^en\/email, with the sample umbrella without unsubscribe_url: expected no use of what may be missing, .*, received undefined variable: unsubscribe_url/,
        /^en\/email, with the sample umbrella without unsubscribe_url, preferences_url: .*: unsubscribe_url/,
      ],
    ],
    'for a link to the preferences that it cannot do without': [
      templateFiles({ 'en/email.mjml': mjmlAround('<a href="{{ preferences_url }}">x</a>') }),
      [/^en\/email, with the sample umbrella without unsubscribe_url, preferences_url: .*: preferences_url/],
    ],
    'for a link of the reader where there is none': [
      smsOnly('{% if unsubscribe_url %}{{ unsubscribe_url }}{% endif %}'),
      [
        /^en\/sms\.txt: expected a field of an email: no other message has links of its reader, received unsubscribe_url$/,
      ],
    ],
    'for the call to action where there is none': [
      templateFiles({ 'en/push.yaml': 'title: x\nbody: "{{ call_to_action.title }}"' }),
      [
        /data are no deeper, received call_to_action\.title$/,
        /^en\/push\.yaml, body: expected a callToAction in the same file as this field needs it, received none$/,
      ],
    ],
  }
  for (const [name, [files, faults]] of Object.entries(texts)) {
    test(name, async () => {
      const found = await faultsOf(files)
      assert.equal(found.length, faults.length, found.join('\n'))
      for (const [index, fault] of faults.entries()) assert.match(found[index]!, fault)
    })
  }

  const push = (url: string, deepLink?: string) =>
    templateFiles({
      'en/push.yaml': JSON.stringify({
        title: 'x',
        body: 'x',
        callToAction: { title: 'Go', url },
        ...(deepLink === undefined ? {} : { deepLink }),
      }),
    })
  const leadingAstray = [
    'javascript:alert(1)',
    'http://shop.example.com/',
    'https://{{ item_name }}/',
    '{{ item_name }}',
    'https://shop.{{ item_name }}',
    'https://shop.example.com{{ item_name }}',
    'https://user@shop.example.com/',
    'https://shop.example.com\\@other.example',
    '//shop.example.com/',
    '/items',
    'https://localhost/',
  ]
  for (const url of leadingAstray) {
    test(`for a call to action to ${url}`, async () => {
      assert.match(
        (await faultsOf(push(url))).join('\n'),
        /en\/push\.yaml, callToAction\.url: expected a URL that begins/,
      )
    })
  }
  for (const link of [
    'javascript:alert(1)',
    'data:text/html,x',
    'http://shop.example.com/',
    '{{ item_name }}',
    'items',
  ]) {
    test(`for a deep link to ${link}`, async () => {
      const found = await faultsOf(push('https://shop.example.com/', link))
      assert.match(found.join('\n'), /en\/push\.yaml, deepLink: expected a URL that begins with a scheme of the app/)
    })
  }

  test('for data that break its link: they go through url_encode', async () => {
    const head = 'description: x\ndefaultLocale: en\nsamples: { one: { item_name: Desk lamp } }'
    const files = push('https://shop.example.com/{{ item_name }}').set('template.yaml', head)
    assert.deepEqual(await faultsOf(files), [
      'en/push.yaml, with the sample one: expected a URL; data in it go through | url_encode, received "https://shop.example.com/Desk lamp"',
    ])
  })

  test('for all its faults at once, those of the form and those of what could be read in spite of them', async () => {
    const files = templateFiles({
      'en/push.yaml': 'title: 1\nbody: x',
      'en/sms.txt': '{{ item_name | shout }}',
      'en/email.txt': '{{ date }}',
      'en/email.mjml': mjmlAround('x').replaceAll('mj-text', 'mj-txt'),
    })
    const found = await faultsOf(files)
    assert.deepEqual(
      found.map((line) => line.split(':')[0]),
      ['en/push.yaml, title', 'en/sms.txt', 'en/email.mjml, line 2'],
    )
  })
})

test('an email may offer to unsubscribe and to change more, and needs no event to bring the links', async () => {
  const footer =
    '{% if unsubscribe_url %}<a href="{{ unsubscribe_url }}">x</a>{% endif %}{% if preferences_url %}{{ preferences_url }}{% endif %}'
  const { contents } = await draftOf(templateFiles({ 'en/email.mjml': mjmlAround(footer) }))
  const email = contents.find(({ content }) => content.channel === 'email')
  assert.deepEqual(email?.variables, ['item_name'])
})

test('a template may lead into the app, and to a page whose path the data fill in', async () => {
  const yaml = JSON.stringify({
    title: 'x',
    body: '{{ call_to_action.title }}',
    callToAction: { title: 'Go', url: 'https://shop.example.com:8443/items/{{ item_name | url_encode }}#top' },
    deepLink: 'shop-app://items/{{ item_name | url_encode }}',
  })
  const { contents } = await draftOf(templateFiles({ 'en/push.yaml': yaml }))
  assert.ok(contents[0]?.content.channel === 'push')
})
