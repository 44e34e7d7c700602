import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DatabaseError } from 'pg'
import { unavailabilityCodeOf } from '../../../src/postgres/unavailability.ts'

function databaseError(sqlState: string): DatabaseError {
  const error = new DatabaseError('what it says does not matter', 0, 'error')
  error.code = sqlState
  return error
}

const systemError = (code: string) => Object.assign(new Error('what it says does not matter'), { code })

const unavailable = {
  '08000 connection exception': databaseError('08000'),
  '08006 connection failure': databaseError('08006'),
  '40001 serialization failure': databaseError('40001'),
  '40P01 deadlock detected': databaseError('40P01'),
  '53100 disk full': databaseError('53100'),
  '53300 too many connections': databaseError('53300'),
  '57014 query cancelled': databaseError('57014'),
  '57P01 admin shutdown': databaseError('57P01'),
  '57P03 cannot connect now': databaseError('57P03'),
  '58030 I/O error': databaseError('58030'),
  '55P03 lock not available': databaseError('55P03'),
  '25006 read-only transaction': databaseError('25006'),
  'missing_partition 23514 of no constraint': databaseError('23514'),
  ECONNREFUSED: systemError('ECONNREFUSED'),
  ECONNRESET: systemError('ECONNRESET'),
  EPIPE: systemError('EPIPE'),
  ETIMEDOUT: systemError('ETIMEDOUT'),
  ENOTFOUND: systemError('ENOTFOUND'),
  EAI_AGAIN: systemError('EAI_AGAIN'),
}

const someoneElsesFault = {
  '22021 a character that text cannot hold': databaseError('22021'),
  '22P02 not a uuid': databaseError('22P02'),
  '23505 unique violation': databaseError('23505'),
  '23514 a check of ours': Object.assign(databaseError('23514'), { constraint: 'categories_name_check' }),
  '42P01 no such table': databaseError('42P01'),
  '55006 object in use': databaseError('55006'),
  '25P02 failed transaction': databaseError('25P02'),
  'an errno that only looks like one of ours': systemError('ENOENT'),
  'a SQLSTATE that Postgres did not say': systemError('57P01'),
  'an error without a code': new Error('connection terminated'),
  'a code that is a number': Object.assign(new Error(), { code: 57 }),
  'no error at all': 'ECONNRESET',
}

for (const [name, error] of Object.entries(unavailable)) {
  test(`${name} means that Postgres is unavailable`, () => {
    assert.equal(unavailabilityCodeOf(error), name.split(' ')[0])
  })
}

for (const [name, error] of Object.entries(someoneElsesFault)) {
  test(`${name} does not mean that Postgres is unavailable`, () => {
    assert.equal(unavailabilityCodeOf(error), undefined)
  })
}
