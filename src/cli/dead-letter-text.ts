/**
 * Dead letters as text for a terminal. Never an address, a key or anything of a message: of foreign headers only the
 * names are shown, and of ours only values that look like ours.
 */
import { headerNames, readText } from '../domain/record-headers.ts'
import type { RecordHeaders } from '../domain/record.ts'
import { textTable } from '../local/demo/text-table.ts'
import type { DeadLetter } from '../services/dead-letters/dead-letter.ts'
import type { DeadLetterGroup } from '../services/dead-letters/group.ts'
import type { SkipReason } from '../services/dead-letters/redrive.ts'
import type { RedriveCounts } from '../services/dead-letters/redriver.ts'
import { secondsOf } from './delivery-text.ts'

export function groupTable(groups: readonly DeadLetterGroup[]): string {
  const heading = ['queue', 'reason', 'provider', 'template', 'category', 'count', 'oldest', 'newest', 'newest at']
  const rows = groups.map(({ queue, reason, provider, template, category, count, oldestMs, newestMs, example }) => [
    queue,
    shown(reason),
    provider ?? '-',
    shown(template),
    shown(category),
    String(count),
    secondsOf(oldestMs),
    secondsOf(newestMs),
    `${example.partition} ${example.offset}`,
  ])
  return textTable([heading, ...rows])
}

export function deadLetterText(letter: DeadLetter): string {
  const { record, reason, redrives, row } = letter
  const { topic, partition, offset, timestampMs, headers, value } = record
  const error = readText(headers, headerNames.error)
  return [
    `${topic} ${partition}:${offset}, ${secondsOf(timestampMs)}, ${value?.length ?? 0} bytes`,
    `  reason    ${shown(reason)}${error === undefined ? '' : ` (${shown(error)})`}`,
    `  from      ${originText(headers)}`,
    `  redrives  ${redrives ?? 'not a number'}`,
    ...subjectLines(letter),
    ...(row === undefined
      ? []
      : [
          `  row       ${row.state}${row.reason === null ? '' : `, ${row.reason}`}; hop ${row.hop}, attempts ${row.attempt}`,
        ]),
    ...headerLines(headers),
  ].join('\n')
}

function originText(headers: RecordHeaders): string {
  const { originalTopic, originalPartition, originalOffset } = headerNames
  const at = [originalTopic, originalPartition, originalOffset].map((name) => shown(readText(headers, name) ?? null))
  return `${at[0]} ${at[1]}:${at[2]}`
}

function subjectLines({ content }: DeadLetter): string[] {
  switch (content.kind) {
    case 'command': {
      const { deliveryId, notificationId, source, userId, category, templateId, templateVersion, channel } =
        content.command
      return [
        `  delivery  ${deliveryId} by ${channel}, ${shown(category)}, ${shown(templateId)} version ${templateVersion}`,
        `  of        notification ${notificationId} from ${shown(source)} for user ${userId}`,
        `  expires   ${secondsOf(content.command.expiresAt)}`,
      ]
    }
    case 'requested':
    case 'cancelled': {
      const { notificationId, source, userId, createdAt } = content.event
      const what = content.kind === 'requested' ? `request, ${shown(content.event.category)}` : 'cancellation'
      return [
        `  of        notification ${shown(notificationId)} from ${shown(source)} for user ${userId}: ${what}`,
        `  created   ${secondsOf(createdAt)}`,
      ]
    }
    case 'unreadable':
      return [`  of        unreadable: ${content.reason}`]
    case 'opaque':
      return ['  of        a record that this version does not read']
  }
}

/** What the lines above say already is not repeated. */
const told: ReadonlySet<string> = new Set([
  headerNames.reason,
  headerNames.error,
  headerNames.redrive,
  headerNames.originalTopic,
  headerNames.originalPartition,
  headerNames.originalOffset,
])
const ours: ReadonlySet<string> = new Set(Object.values(headerNames))

function headerLines(headers: RecordHeaders): string[] {
  const names = Object.keys(headers).filter((name) => !told.has(name))
  const own = names.filter((name) => ours.has(name)).map((name) => `${name}=${shown(readText(headers, name) ?? null)}`)
  const foreign = names.filter((name) => !ours.has(name)).map((name) => shown(name))
  return [
    ...(own.length === 0 ? [] : [`  headers   ${own.join(' ')}`]),
    ...(foreign.length === 0 ? [] : [`  foreign   ${foreign.join(' ')} (names only)`]),
  ]
}

/** A word of a record, which anybody may have written: shown only where it is short and cannot be an address. */
function shown(word: string | null): string {
  if (word === null) return '-'
  return /^[\p{L}\p{N} ._:/-]{1,160}$/u.test(word) && !/\d{15}/.test(word) ? word : '(not shown)'
}

const skipSentences: Record<SkipReason, string> = {
  already_final: 'their delivery has ended otherwise since',
  expired: 'their time is over',
  no_row: 'their delivery has no row',
  unreadable: 'they cannot be read, now as then',
  bad_origin: 'they do not say where they came from',
  looping: 'they came back too often already (--force)',
}

export function redriveText(counts: Readonly<RedriveCounts>, isRehearsal: boolean): string {
  const { read, redriven, not_meant: notMeant } = counts
  const skipped = Object.entries(skipSentences).map(
    ([reason, sentence]) => [counts[reason as SkipReason], sentence] as const,
  )
  const lines = [
    `${isRehearsal ? 'dry run: would bring' : 'brought'} back ${redriven} of ${read}`,
    ...(notMeant > 0 ? [`  ${notMeant} stay: the filters do not mean them`] : []),
    ...skipped.filter(([count]) => count > 0).map(([count, sentence]) => `  ${count} stay: ${sentence}`),
  ]
  return `${lines.join('\n')}\n`
}
