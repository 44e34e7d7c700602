import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RecordHeaders } from '../../../src/domain/record.ts'
import { decode } from '../../../src/services/sender/decode.ts'
import { deliveryCommand } from '../../support/builders/commands.ts'
import { aConsumedRecord } from '../../support/builders/consumed-records.ts'
import { senderPorts } from '../../support/builders/sender-ports.ts'

const malformed: RecordHeaders[] = [
  { 'x-hop': '' },
  { 'x-hop': '0' },
  { 'x-hop': '-1' },
  { 'x-hop': '1.5' },
  { 'x-hop': '10001' },
  { 'x-hop': '1', 'x-attempt': '2' },
  { 'x-attempt': 'one' },
  { 'x-due-at': 'tomorrow' },
  { 'x-due-at': '-1' },
  { 'x-due-at': '9999999999999999' },
  { 'x-redrive': 'yes' },
  { 'x-redrive': '-1' },
]

describe('a record of a channel topic', () => {
  test('whose headers are malformed is a dead letter, and its neighbours are jobs', async () => {
    const records = malformed.flatMap((headers) => [aConsumedRecord({ headers }), aConsumedRecord()])
    const { jobs, deadLetters } = await decode(records, 'sms', senderPorts().reader)
    assert.deepEqual(
      deadLetters,
      records.filter((_, index) => index % 2 === 0).map((record) => ({ record, reason: 'bad_header' })),
    )
    assert.equal(jobs.length, malformed.length)
  })

  test('without headers is the router’s first', async () => {
    const { jobs } = await decode([aConsumedRecord()], 'sms', senderPorts().reader)
    assert.deepEqual(jobs[0]?.headers, { hop: 1, attempt: 0, dueAtMs: null, redrives: 0 })
  })

  test('that holds another channel’s command is a dead letter: its address means nothing here', async () => {
    const command = deliveryCommand({ channel: 'email', address: 'somebody@example.com' })
    const record = aConsumedRecord()
    const reader = { decode: () => Promise.resolve([{ kind: 'command' as const, command }]) }
    assert.deepEqual(await decode([record], 'sms', reader), {
      jobs: [],
      deadLetters: [{ record, reason: 'data_error' }],
    })
  })
})
