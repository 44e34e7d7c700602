import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { poisonReasons, statusReasons } from '../../../src/domain/reason.ts'
import { headerNames } from '../../../src/domain/record-headers.ts'
import {
  futureToleranceMs,
  oldestRequestMs,
  requestBytes,
  sendAtHorizonMs,
} from '../../../src/domain/request-validation.ts'
import { softBounceLimit, suppressionCauses } from '../../../src/domain/suppression.ts'
import { topicNames } from '../../../src/domain/topic-names.ts'
import { checkedSections, contractChecks, ownDeadLetterReasons } from './contracts-checks.ts'
import { expandBraces, inlineCode, readDocument, section, type Document } from './markdown.ts'

const document = readDocument('docs/contracts.md')

describe('docs/contracts.md', () => {
  for (const [title, check] of Object.entries(contractChecks)) test(title, () => check(document))

  test('states the limits as the code has them', () => {
    const producers = section(document, '## In short, for producers').text
    assert.ok(producers.includes(`at most ${futureToleranceMs / 3_600_000} hour ahead`))
    assert.ok(producers.includes(`at most ${oldestRequestMs / 86_400_000} days old`))
    assert.ok(producers.includes(`At most ${requestBytes / 1024} KiB`))
    assert.ok(section(document, '### NotificationRequested').text.includes(`${sendAtHorizonMs / 86_400_000} days`))
    const { count, windowMs } = softBounceLimit
    const feedback = section(document, '## What feedback does').text
    assert.ok(feedback.includes(`the ${count}th within ${windowMs / 86_400_000} days`))
  })

  test('names no topic, header or reason that does not exist', () => {
    const topics = new Set(topicNames().all())
    const headers = new Set<string>(Object.values(headerNames))
    const otherWords = ['murmur2_random', 'invalid_address', ...suppressionCauses]
    const words = new Set<string>([...statusReasons, ...poisonReasons, ...ownDeadLetterReasons, ...otherWords])
    for (const code of inlineCode(document)) {
      if (/^(notifications|users)\./.test(code)) {
        for (const topic of expandBraces(code)) assert.ok(topics.has(topic), code)
      } else if (code.startsWith('x-')) assert.ok(headers.has(code), code)
      else if (/^[a-z]+(_[a-z]+)+$/.test(code)) assert.ok(words.has(code), code)
    }
  })
})

interface Row {
  /** Of the line in the document. */
  index: number
  line: string
  heading: string
}

/** The rows of the checked sections, without heads and rulers. */
function rowsOf({ path, text }: Document): Row[] {
  const lines = text.split('\n')
  return checkedSections.flatMap((heading) => {
    const first = lines.indexOf(heading)
    const last = first + section({ path, text }, heading).text.split('\n').length
    return lines
      .slice(first, last)
      .map((line, offset) => ({ index: first + offset, line, heading }))
      .filter(({ line }) => line.startsWith('| `'))
  })
}

function withLine({ path, text }: Document, index: number, replacement: string[]): Document {
  return {
    path,
    text: text
      .split('\n')
      .toSpliced(index, 1, ...replacement)
      .join('\n'),
  }
}

function isNoticed(changed: Document): boolean {
  return Object.values(contractChecks).some((check) => {
    try {
      check(changed)
      return false
    } catch (error) {
      assert.ok(error instanceof assert.AssertionError)
      return true
    }
  })
}

describe('the checks of docs/contracts.md', () => {
  const rows = rowsOf(document)

  test('find nothing on the page as it is, or they would notice anything', () => {
    assert.ok(!isNoticed(document))
  })

  test('notice every row that is left out', () => {
    assert.ok(rows.length > 150)
    const unnoticed = rows.filter(({ index }) => !isNoticed(withLine(document, index, [])))
    assert.deepEqual(unnoticed, [])
  })

  test('notice every topic, field, status, reason and header that has no sentence', () => {
    const explained = rows.filter(({ heading }) => heading !== '## Topics')
    const unnoticed = explained.filter(({ index, line }) => {
      const silent = line.split('|').toSpliced(-2, 1, ' ').join('|')
      return !isNoticed(withLine(document, index, [silent]))
    })
    assert.deepEqual(unnoticed, [])
  })
})
