/**
 * Which variables a parsed template needs, found without rendering it: whatever a branch may read counts.
 *
 * A name that comes from the event is a variable; so is a field that a loop reads of each map of a list, as long as the
 * loop goes over the list itself. What a template assigns or counts is its own.
 */
import { analyzeSync, ForTag, TablerowTag, toValueSync, TypeGuards, type Template, type Variable } from 'liquidjs'
import { fieldVariable } from '../../domain/template-variables.ts'

export interface TemplateNeeds {
  /** As `missingVariables` takes them, each once. */
  variables: Set<string>
  /** Paths that no data can have, as the template writes them: `order.total`, `line.price.net`. */
  tooDeep: Set<string>
}

/** What liquid itself has for a list or a text. */
const ownProperties = ['size', 'first', 'last']

/** @param provided names that the sender brings along, and so the event need not. */
export function analyseNeeds(templates: Template[], provided: readonly string[]): TemplateNeeds {
  const needs: TemplateNeeds = { variables: new Set(), tooDeep: new Set() }
  const { globals, locals } = analyzeSync(templates, { partials: false })
  for (const [name, uses] of Object.entries(globals)) {
    if (provided.includes(name)) continue
    needs.variables.add(name)
    for (const use of uses) if (isTooDeep(use)) needs.tooDeep.add(String(use))
  }
  const isList = (name: string) => needs.variables.has(name) && !Object.hasOwn(locals, name)
  for (const { list, item, body } of loopsOf(templates)) {
    if (!isList(list)) continue
    const ofItem = analyzeSync(body, { partials: false }).globals
    for (const use of Object.hasOwn(ofItem, item) ? (ofItem[item] ?? []) : []) {
      const [, field, ...more] = use.segments
      if (typeof field === 'string') needs.variables.add(fieldVariable(list, field))
      if (more.some((segment) => !isOwnProperty(segment))) needs.tooDeep.add(String(use))
    }
  }
  return needs
}

/** Data are scalars and lists of flat maps: `lines[0].name` and `lines.first.name` exist, `order.total` cannot. */
function isTooDeep({ segments: [, second, third, ...more] }: Variable): boolean {
  if (second === undefined) return false
  if (typeof second === 'string' && !ownProperties.includes(second)) return true
  if (second === 'size') return third !== undefined
  return more.some((segment) => !isOwnProperty(segment))
}

function isOwnProperty(segment: Variable['segments'][number]): boolean {
  return typeof segment === 'string' && ownProperties.includes(segment)
}

interface Loop {
  /** The name that it goes over. */
  list: string
  /** What it calls each of its items. */
  item: string
  body: Template[]
}

/** Every loop over a plain name, at any depth. */
function loopsOf(templates: readonly Template[]): Loop[] {
  return templates.flatMap((template) => {
    const inner = loopsOf(childrenOf(template))
    if (!(template instanceof ForTag || template instanceof TablerowTag)) return inner
    const list = plainName(template.collection)
    return list === undefined ? inner : [{ list, item: template.variable, body: template.templates }, ...inner]
  })
}

function childrenOf(template: Template): Template[] {
  return template.children === undefined ? [] : toValueSync(template.children(false, true))
}

function plainName(collection: ForTag['collection']): string | undefined {
  if (!TypeGuards.isPropertyAccessToken(collection) || collection.variable !== undefined) return undefined
  const [name, ...properties] = collection.props
  return properties.length === 0 && TypeGuards.isWordToken(name) ? name.content : undefined
}
