/**
 * Templates as text for a terminal: what each channel would get, which versions there are, what a command did.
 */
import type { Message } from '../domain/message.ts'
import type { TemplateDraft } from '../domain/template.ts'
import { countText, textTable } from '../local/demo/text-table.ts'
import type { ListedVersion, Publication } from '../postgres/template-publication.ts'
import { secondsOf } from './delivery-text.ts'

/** @param htmlPath where the HTML of an email was written, if it was. */
export function messageText(message: Message, htmlPath: string | undefined): string {
  switch (message.kind) {
    case 'push': {
      const { title, body, callToAction, deepLink } = message
      return fields([
        ['title', title],
        ['body', body],
        ...(callToAction === null
          ? []
          : ([
              ['button', callToAction.title],
              ['leads to', callToAction.url],
            ] as const)),
        ...(deepLink === null ? [] : ([['deep link', deepLink]] as const)),
      ])
    }
    case 'sms': {
      const { body, segments } = message
      return fields([
        ['text', body],
        ['costs', `${segments === 1 ? '1 segment' : `${segments} segments`} (${countText(body.length)} characters)`],
      ])
    }
    case 'email': {
      const { subject, text, html } = message
      const size = `${countText(Buffer.byteLength(html))} bytes`
      return fields([
        ['subject', subject],
        ['text', text],
        ['html', htmlPath === undefined ? `${size}; --out <folder> writes it` : `${size} in ${htmlPath}`],
      ])
    }
  }
}

const labelWidth = 11

/** The lines of a longer value stand below each other. */
function fields(values: readonly (readonly [label: string, value: string])[]): string {
  const lines = values.map(([label, value]) => {
    const [first = '', ...more] = value.split('\n')
    return [`  ${label.padEnd(labelWidth)}${first}`, ...more.map((line) => `  ${' '.repeat(labelWidth)}${line}`)]
  })
  return lines
    .flat()
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

/** `back-in-stock: push en ko, email en ko; needs date, item_name` */
export function draftLine({ templateId, contents }: TemplateDraft): string {
  const localesOf = Map.groupBy(contents, ({ content }) => content.channel)
  const channels = [...localesOf].map(([channel, of]) => `${channel} ${of.map(({ locale }) => locale).join(' ')}`)
  const needs = [...new Set(contents.flatMap(({ variables }) => variables))].toSorted()
  return `${templateId}: ${channels.join(', ')}; needs ${needs.length === 0 ? 'nothing' : needs.join(', ')}`
}

export function publicationLine(templateId: string, publication: Publication): string {
  const { kind, version } = publication
  if (kind === 'unchanged') return `${templateId}: version ${version} is published and says the same`
  const before = publication.before === null ? 'its first' : `instead of ${publication.before}`
  return `${templateId}: version ${version} is published, ${before}`
}

export function versionTable(versions: readonly ListedVersion[]): string {
  const heading = ['template', 'version', 'published', 'at', 'by', 'default', 'contents']
  const rows = versions.map((each) => [
    each.templateId,
    String(each.version),
    each.isPublished ? 'yes' : '-',
    each.publishedAtMs === null ? '-' : secondsOf(each.publishedAtMs),
    each.publishedBy ?? '-',
    each.defaultLocale,
    each.contents.join(', '),
  ])
  return textTable([heading, ...rows])
}
