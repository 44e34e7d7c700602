import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import type { PersonChange } from '../../../src/domain/person-change.ts'
import type { BodyLine } from '../../../src/http/ndjson.ts'
import { importUsers, type ImportPorts, type ImportReport } from '../../../src/services/gateway/import-users.ts'

const nobody = { email: null, phoneNumber: null, locale: null, timeZone: null }

function line(number: number, value: unknown): BodyLine {
  return { kind: 'line', number, text: typeof value === 'string' ? value : JSON.stringify(value) }
}

const person = (userId: number, given: object = {}) => line(userId, { userId, ...nobody, ...given })

async function imported(lines: Iterable<BodyLine>, ports: Partial<ImportPorts> = {}) {
  const batches: PersonChange[][] = []
  const reports: ImportReport[] = []
  const failures: unknown[] = []
  const source = (async function* () {
    yield* lines
  })()
  await importUsers(source, (report) => reports.push(report), {
    write: (changes) => Promise.resolve(void batches.push([...changes])),
    failed: (error) => void failures.push(error),
    ...ports,
  })
  return { batches, reports, failures, end: reports.at(-1) }
}

describe('an import', () => {
  test('writes what is right in batches, tells what is wrong by line and field, and how it ended', async () => {
    const { batches, reports } = await imported([
      person(1),
      person(2, { email: 'nobody at all' }),
      line(3, '{"userId": 3'),
      line(4, '[]'),
      { kind: 'too_long', number: 5 },
      { kind: 'not_utf8', number: 6 },
      person(7, { shoeSize: 43 }),
      person(8),
    ])
    assert.deepEqual(
      batches.map((batch) => batch.map(({ userId }) => userId)),
      [[1, 8]],
    )
    assert.deepEqual(
      reports.flatMap((report) =>
        report.kind === 'fault' ? [[report.line, report.faults.map(({ field }) => field).join()]] : [],
      ),
      [
        [2, '/email'],
        [3, '/'],
        [4, '/'],
        [5, '/'],
        [6, '/'],
        [7, '/shoeSize'],
      ],
    )
    assert.deepEqual(reports.slice(-2), [
      { kind: 'progress', lines: 8, taken: 2, faulty: 6 },
      { kind: 'end', complete: true, lines: 8, taken: 2, faulty: 6 },
    ])
    assert.doesNotMatch(JSON.stringify(reports), /nobody at all/)
  })

  test('takes quiet hours and all devices with a person, or leaves them as they are', async () => {
    const device = { deviceId: '0199F0C2-8D8E-7C3A-9B1D-2F6F2F0C7A11', platform: 'android', token: 't' } as const
    const { batches } = await imported([
      person(1, { quietHours: { from: '22:00', until: '08:00' }, devices: [device] }),
      person(2, { devices: [] }),
      person(3, { quietHours: null }),
    ])
    const [first, second, third] = batches[0] ?? []
    assert.deepEqual(first?.quietHours, { fromMinute: 1_320, untilMinute: 480 })
    assert.deepEqual(first?.devices, { registered: [{ ...device, registeredAt: null }], leftAlone: [] })
    assert.deepEqual([second?.quietHours, second?.devices], ['kept', { registered: [], leftAlone: [] }])
    assert.deepEqual([third?.quietHours, third?.devices], [null, 'kept'])
  })

  test('writes somebody who comes twice twice, in order: no batch has two of one', async () => {
    const { batches, end } = await imported([person(1), person(2), person(1, { locale: 'ko' }), person(3)])
    assert.deepEqual(
      batches.map((batch) => batch.map(({ userId }) => userId)),
      [
        [1, 2],
        [1, 3],
      ],
    )
    assert.deepEqual(end, { kind: 'end', complete: true, lines: 4, taken: 4, faulty: 0 })
  })

  test('reads no further than a batch while one is being written', async () => {
    const writing = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    let read = 0
    const lines = (function* () {
      for (let userId = 1; userId <= 2_000; userId += 1) {
        read = userId
        yield person(userId)
      }
    })()
    const done = imported(lines, {
      write: () => {
        begun.resolve()
        return writing.promise
      },
    })
    await begun.promise
    // Whatever it would do of itself has been done by then.
    await new Promise(setImmediate)
    assert.equal(read, 500)
    writing.resolve()
    const { end } = await done
    assert.deepEqual([read, end?.kind === 'end' && end.taken], [2_000, 2_000])
  })

  test('that breaks off leaves whole batches, and says nothing to nobody', async () => {
    const people = Array.from({ length: 1_200 }, (_, index) => person(index + 1))
    const { batches, reports } = await imported([...people, { kind: 'broken_off' }])
    assert.deepEqual(
      batches.map(({ length }) => length),
      [500, 500],
    )
    assert.ok(reports.every(({ kind }) => kind === 'progress'))
  })

  test('of a body that is too large writes what was within it, and says that it is not complete', async () => {
    const { batches, end } = await imported([person(1), { kind: 'too_large' }])
    assert.equal(batches.length, 1)
    assert.deepEqual(end, { kind: 'end', complete: false, reason: 'too_large', lines: 1, taken: 1, faulty: 0 })
  })

  test('gives up on a file whose every line is wrong, so that its answer stays bounded', async () => {
    const lines = (function* () {
      for (let number = 1; ; number += 1) yield line(number, 'x')
    })()
    const { reports, end } = await imported(lines)
    assert.equal(reports.length, 10_001)
    assert.equal(end?.kind === 'end' && end.reason, 'too_many_faults')
  })

  test('ends with what is away, and tells a mistake of ours to us alone', async () => {
    const away = await imported([person(1)], {
      write: () => Promise.reject(new DependencyUnavailable('postgres', '57P01')),
    })
    assert.deepEqual(away.end, { kind: 'end', complete: false, reason: 'unavailable', lines: 1, taken: 0, faulty: 0 })
    assert.deepEqual(away.failures, [])
    const wrong = await imported([person(1)], { write: () => Promise.reject(new Error('ada@example.com')) })
    assert.deepEqual(wrong.end, {
      kind: 'end',
      complete: false,
      reason: 'internal_error',
      lines: 1,
      taken: 0,
      faulty: 0,
    })
    assert.equal(wrong.failures.length, 1)
  })
})
