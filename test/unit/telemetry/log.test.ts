import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../src/domain/dependency-unavailable.ts'
import { createLogger, serializeError, type LogLevel } from '../../../src/telemetry/log.ts'

function recordingLogger() {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const logger = createLogger({ role: 'router', level: 'info', destination })
  const last = () => JSON.parse(lines.at(-1)!) as Record<string, unknown>
  return { logger, lines, last }
}

describe('the log', () => {
  test('says role, level and time on every line and drops what lies under its level', () => {
    const { logger, lines, last } = recordingLogger()
    logger.debug('not this')
    assert.equal(lines.length, 0)
    logger.warn({ records: 3 }, 'behind')
    const { time, ...rest } = last()
    assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.deepEqual(rest, { level: 'warn', role: 'router', pid: process.pid, records: 3, msg: 'behind' })
  })

  test('follows a level that changes, in the children that were made before, too', () => {
    const lines: string[] = []
    let level: LogLevel = 'info'
    const destination = { write: (line: string) => void lines.push(line) }
    const logger = createLogger({ role: 'router', level: () => level, destination })
    const child = logger.child({ lane: 'bulk' })
    const said = () => lines.splice(0).map((line) => (JSON.parse(line) as { msg: string }).msg)
    const say = () => {
      for (const each of [logger, child]) {
        each.debug('detail')
        each.info('news')
      }
    }
    say()
    assert.deepEqual(said(), ['news', 'news'])
    level = 'debug'
    say()
    assert.deepEqual(said(), ['detail', 'news', 'detail', 'news'])
    level = 'silent'
    say()
    logger.fatal('the end')
    assert.deepEqual(said(), [])
  })

  test('censors addresses, tokens, secrets and bodies by their key, down to two levels', () => {
    const { logger, lines } = recordingLogger()
    logger.info({
      token: 'SENSITIVE',
      command: { address: 'SENSITIVE', data: { name: 'SENSITIVE' } },
      call: { request: { headers: { authorization: 'SENSITIVE' }, body: 'SENSITIVE' } },
      deliveryId: 'kept',
    })
    assert.doesNotMatch(lines.join(), /SENSITIVE/)
    assert.match(lines.join(), /kept/)
  })

  test('keeps of an error its names, codes and places through the chain of causes, and no message', () => {
    const { logger, lines, last } = recordingLogger()
    const socket = Object.assign(new Error('connect ECONNREFUSED SENSITIVE'), { code: 'ECONNREFUSED' })
    logger.error({ err: new DependencyUnavailable('postgres', '08006', socket) }, 'lookup')
    const err = last()['err'] as Record<string, unknown>
    assert.equal(err['name'], 'DependencyUnavailable')
    assert.equal(err['code'], '08006')
    assert.equal(err['dependency'], 'postgres')
    assert.match((err['stack'] as string[])[0]!, /log\.test\.ts/)
    assert.equal((err['cause'] as Record<string, unknown>)['code'], 'ECONNREFUSED')
    assert.doesNotMatch(lines.join(), /SENSITIVE/)
  })
})

describe('a serialized error', () => {
  test('does not take a message for stack frames even when it looks like one', () => {
    const error = new Error('bad input\n    at SENSITIVE (file:1:2)\n    at SENSITIVE (file:3:4)')
    const serialized = serializeError(error)
    assert.ok(serialized.stack!.length > 0)
    assert.doesNotMatch(JSON.stringify(serialized), /SENSITIVE/)
  })

  test('leaves out a code that is a sentence', () => {
    const serialized = serializeError(Object.assign(new Error(), { code: 'SENSITIVE text of somebody else' }))
    assert.doesNotMatch(JSON.stringify(serialized), /SENSITIVE/)
  })

  test('names what was thrown when it is not an error, and ends on a cause that is its own cause', () => {
    assert.deepEqual(serializeError('SENSITIVE'), { name: 'thrown string' })
    const circular = new Error('round')
    circular.cause = circular
    assert.equal(JSON.stringify(serializeError(circular)).match(/"cause"/g)?.length, 5)
  })
})
