import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileEmail } from '../../../src/services/templates/email-html.ts'
import { faultLine, type TemplateFault } from '../../../src/services/templates/template-fault.ts'
import { mjmlAround } from '../../support/builders/template-files.ts'

const compiled = (mjml: string) => compileEmail(mjml, 'ko-KR')

const linesOf = (faults: readonly Omit<TemplateFault, 'file'>[]) =>
  faults.map((fault) => faultLine({ file: 'email.mjml', ...fault }))

async function htmlOf(mjml: string): Promise<string> {
  const result = await compiled(mjml)
  assert.ok(result.kind === 'compiled', result.kind === 'refused' ? linesOf(result.faults).join('\n') : '')
  return result.html
}

async function faultsOf(mjml: string): Promise<string[]> {
  const result = await compiled(mjml)
  return result.kind === 'refused' ? linesOf(result.faults) : []
}

const inBody = (mjml: string) => `<mjml><mj-body>\n${mjml}\n</mj-body></mjml>`

describe('the HTML of an email', () => {
  test('has its styles inlined and its liquid kept', async () => {
    const html = await htmlOf(`<mjml><mj-head><mj-style inline="inline">.price { color: #123456 }</mj-style></mj-head>
      <mj-body><mj-section><mj-column><mj-table>
        {% for line in lines %}<tr><td class="price">{{ line.price | default: "0" }}</td></tr>{% endfor %}
      </mj-table></mj-column></mj-section></mj-body></mjml>`)
    assert.match(
      html,
      /\{% for line in lines %\}<tr><td class="price" style="color: #123456;">\{\{ line\.price \| default: "0" \}\}/,
    )
    assert.match(html, /^<!doctype html>/)
  })

  test('says its language, which an author may also say', async () => {
    assert.match(await htmlOf(mjmlAround('x')), /<html lang="ko-KR"/)
    assert.match(await htmlOf(mjmlAround('x').replace('<mjml>', '<mjml lang="en">')), /<html lang="en"/)
  })

  test('asks no third party for fonts', async () => {
    assert.doesNotMatch(await htmlOf(mjmlAround('x')), /https?:\/\/(?!www\.w3\.org)/)
  })

  test('has no comments of its authors, and the conditional ones that Outlook needs', async () => {
    const html = await htmlOf(mjmlAround('<!-- for {{ authors }} -->x'))
    assert.doesNotMatch(html, /authors/)
    assert.match(html, /<!--\[if mso/)
  })

  test('repeats whole sections in a loop that stands in mj-raw', async () => {
    const section = '<mj-section><mj-column><mj-text>{{ offer.name }}</mj-text></mj-column></mj-section>'
    const html = await htmlOf(
      inBody(`<mj-raw>{% for offer in offers %}</mj-raw>${section}<mj-raw>{% endfor %}</mj-raw>`),
    )
    assert.match(html, /\{% for offer in offers %\}[\s\S]*\{\{ offer\.name \}\}[\s\S]*\{% endfor %\}/)
  })
})

describe('MJML is refused', () => {
  const section = (text: string) => `<mj-section><mj-column><mj-text>${text}</mj-text></mj-column></mj-section>`
  const cases: Record<string, [mjml: string, fault: RegExp]> = {
    'with an element that does not exist': [
      mjmlAround('x').replaceAll('mj-text', 'mj-txt'),
      /^email\.mjml, line 2: expected MJML, received <mj-txt>: Element mj-txt doesn't exist/,
    ],
    'with an attribute that does not exist': [
      mjmlAround('x').replace('<mj-text>', '<mj-text colour="red">'),
      /^email\.mjml, line 2: expected MJML, received <mj-text>: Attribute colour is illegal$/,
    ],
    'that is no MJML': ['<p>Hello</p>', /^email\.mjml, line 1: expected MJML, received <p>: Element p doesn't exist/],
    'with an element that is not closed, which mjml would close': [
      '<mjml><mj-body><mj-section>',
      /^email\.mjml, line 1: expected a <\/mj-section>, received none$/,
    ],
    'with elements that overlap': [
      inBody('<mj-section><mj-column></mj-section></mj-column>'),
      /^email\.mjml, line 2: expected elements that are nested, received <\/mj-section>$/,
    ],
    'with a loop between sections, which mjml would leave out': [
      inBody(`{% for offer in offers %}${section('{{ offer.name }}')}{% endfor %}`),
      /^email\.mjml, line 2: expected liquid inside a text, an attribute or <mj-raw>, received \{% for offer in offers %\}$/m,
    ],
    'with an include, which mjml would leave out': [
      inBody(`<mj-include path="./other.mjml" />${section('x')}`),
      /^email\.mjml, line 2: expected no <mj-include>: a version says everything itself/,
    ],
    'whose HTML is longer than liquid reads': [
      mjmlAround('x'.repeat(199_000)),
      /^email\.mjml: expected at most 200000 characters of HTML, received \d+$/,
    ],
    'with a script': [
      mjmlAround('<script>1</script>'),
      /expected nothing that runs or takes input in an email, received <script$/,
    ],
    'with an event handler': [
      mjmlAround('<a onclick="x()">x</a>'),
      /expected no event handlers, received {2}?onclick="x\(\)"$/,
    ],
    'with liquid in an attribute without quotation marks': [
      mjmlAround('<img alt={{ name }} />'),
      /expected quotation marks around an attribute that holds liquid, received =\{\{$/m,
    ],
    'with liquid in a style, where escaping does not help': [
      mjmlAround('x').replace(
        '<mj-body>',
        '<mj-head><mj-style>p { color: {{ colour }} }</mj-style></mj-head><mj-body>',
      ),
      /expected no liquid in a style, received \{\{ colour \}\}$/,
    ],
    'with a link that the data choose': [
      mjmlAround('<a href="{{ url }}">x</a>'),
      /expected a link to https:\/\/ and a host without liquid, or one that Fanfare gives, received \{\{ url \}\}$/,
    ],
    'with a link that runs code': [
      mjmlAround(`<a href='javascript:alert(1)'>x</a>`),
      /received javascript:alert\(1\)$/,
    ],
    'with an image from a host that the data choose': [
      mjmlAround('<img src="https://{{ host }}/x.png" />'),
      /received https:/,
    ],
  }
  for (const [name, [mjml, fault]] of Object.entries(cases)) {
    test(name, async () => assert.match((await faultsOf(mjml)).join('\n'), fault))
  }

  test('and goes through with links of every allowed kind', async () => {
    const links = ['https://shop.example.com/{{ path }}', 'mailto:help@example.com', 'tel:+15005550001', '#top']
    await htmlOf(
      mjmlAround(
        [...links, '{{ call_to_action.url }}', '{{unsubscribe_url}}', '{{ preferences_url }}']
          .map((url) => `<a href="${url}">x</a>`)
          .join(' '),
      ),
    )
  })
})
