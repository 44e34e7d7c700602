import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { UndefinedVariableError } from 'liquidjs'
import { missingVariables } from '../../../src/domain/template-variables.ts'
import type { TemplateData } from '../../../src/domain/notification.ts'
import { createLiquidEngine } from '../../../src/services/templates/liquid.ts'
import { analyseNeeds } from '../../../src/services/templates/variables.ts'

const engine = createLiquidEngine()
const needsOf = (source: string, provided: string[] = []) => analyseNeeds(engine.parse(source, 'text'), provided)
const variablesOf = (source: string, provided?: string[]) => [...needsOf(source, provided).variables].toSorted()

describe('the variables of a template', () => {
  const cases: Record<string, [source: string, variables: string[]]> = {
    'are what it puts out': ['{{ a }} and {{ b | upcase }}', ['a', 'b']],
    'are what its filters take': ['{{ a | append: b }}{{ "x" | replace: "x", c }}', ['a', 'b', 'c']],
    'are what it asks for, and what any branch puts out': [
      '{% if a %}{{ b }}{% elsif c == d %}{% else %}{{ e }}{% endif %}{% case f %}{% when g %}{{ h }}{% endcase %}',
      ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'],
    ],
    'are those with a default, too': ['{{ a | default: "x" }}', ['a']],
    'are not what it sets itself': [
      '{% assign a = b %}{{ a }}{% capture c %}{{ d }}{% endcapture %}{{ c }}',
      ['b', 'd'],
    ],
    'are those that it reads before it sets them': ['{{ a }}{% assign a = 1 %}', ['a']],
    'are not in comments and raw text': ['{% comment %}{{ a }}{% endcomment %}{% raw %}{{ b }}{% endraw %}', []],
    'are a list and the fields of its maps': [
      '{% for line in lines %}{{ line.name }} {{ line.price }} {{ forloop.index }}{% endfor %}',
      ['lines', 'lines[].name', 'lines[].price'],
    ],
    'are the fields in a table and in a branch of a loop': [
      '{% tablerow line in lines %}{% if line.note %}{{ line.note }}{% endif %}{% endtablerow %}',
      ['lines', 'lines[].note'],
    ],
    'are the fields of each of two loops inside each other': [
      '{% for a in as %}{% for b in bs %}{{ a.x }}{{ b.y }}{% endfor %}{% endfor %}',
      ['as', 'as[].x', 'bs', 'bs[].y'],
    ],
    'are of the inner loop where both call their items the same': [
      '{% for a in as %}{% for a in bs %}{{ a.x }}{% endfor %}{{ a.y }}{% endfor %}',
      ['as', 'as[].y', 'bs', 'bs[].x'],
    ],
    'are the list alone where it was changed before the loop': [
      '{% assign cheap = lines | where: "cheap" %}{% for line in cheap %}{{ line.name }}{% endfor %}',
      ['lines'],
    ],
    'are the bounds of a range': ['{% for i in (1..n) %}{{ i }}{% endfor %}', ['n']],
    'are names that every object inherits': ['{{ constructor }}', ['constructor']],
  }
  for (const [name, [source, variables]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(variablesOf(source), variables))
  }

  test('are not what the sender brings along', () => {
    const { variables, tooDeep } = needsOf('{{ call_to_action.url }}{{ a }}', ['call_to_action'])
    assert.deepEqual([[...variables], [...tooDeep]], [['a'], []])
  })

  test('that no data can have are told apart: data are scalars and lists of flat maps', () => {
    const source =
      '{{ order.total }}{{ lines.size }}{{ lines[0].name }}{{ lines.first.name }}{{ lines[0].a.b }}{% for line in lines %}{{ line.price.net }}{{ line.name.size }}{% endfor %}'
    assert.deepEqual([...needsOf(source).tooDeep], ['order.total', 'lines[0].a.b', 'line.price.net'])
  })

  const names = ['a', 'b', 'c']
  const name = fc.constantFrom(...names)
  const piece = fc.oneof(
    name.map((a) => `{{ ${a} }}`),
    fc.tuple(name, name).map(([a, b]) => `{% if ${a} %}{{ ${b} }}{% endif %}`),
    fc.tuple(name, name).map(([a, b]) => `{{ ${a} | append: ${b} }}`),
    fc.tuple(name, name, name).map(([a, b, c]) => `{% for ${a} in ${b} %}{{ ${a}.${c} }}{% endfor %}`),
    fc.tuple(name, name, name).map(([a, b, c]) => `{% for x in ${a} %}{{ x.${b} }}{{ ${c} }}{% endfor %}`),
    fc.tuple(name, name).map(([a, b]) => `{% assign ${a} = ${b} %}`),
  )
  const scalar = fc.oneof(fc.constant(null), fc.boolean(), fc.integer(), fc.constantFrom('', 'text'))
  const flat = fc.dictionary(name, scalar)
  const anyData: fc.Arbitrary<TemplateData> = fc.dictionary(name, fc.oneof(scalar, fc.array(flat, { maxLength: 3 })))

  test('are all that is needed: where none is missing, nothing is undefined', () => {
    let rendered = 0
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 4 }), anyData, (pieces, data) => {
        const source = pieces.join(' ')
        // An assignment may shadow a list or a loop's item; then only rendering knows.
        fc.pre(!source.includes('assign') || !source.includes('for'))
        fc.pre(missingVariables(data, variablesOf(source)).length === 0)
        rendered += 1
        const content = engine.parseContent({ channel: 'sms', body: source })
        try {
          engine.render(content, data, { unsubscribe: null, preferences: null })
        } catch (error) {
          assert.ok(!(error instanceof UndefinedVariableError), `${source} with ${JSON.stringify(data)}`)
        }
      }),
      { numRuns: 2_000 },
    )
    assert.ok(rendered > 500)
  })
})
