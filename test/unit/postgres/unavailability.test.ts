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
  '08001 cannot connect': databaseError('08001'),
  '08003 connection does not exist': databaseError('08003'),
  '08004 connection refused by the server': databaseError('08004'),
  '08006 connection failure': databaseError('08006'),
  '08P01 protocol violation': databaseError('08P01'),
  '25006 read-only transaction': databaseError('25006'),
  '25P03 idle-in-transaction time-out': databaseError('25P03'),
  '25P04 transaction time-out': databaseError('25P04'),
  '40000 transaction rollback': databaseError('40000'),
  '40001 serialization failure': databaseError('40001'),
  '40003 statement completion unknown': databaseError('40003'),
  '40P01 deadlock detected': databaseError('40P01'),
  '53000 insufficient resources': databaseError('53000'),
  '53100 disk full': databaseError('53100'),
  '53200 out of memory': databaseError('53200'),
  '53300 too many connections': databaseError('53300'),
  '53400 configuration limit exceeded': databaseError('53400'),
  '55P03 lock not available': databaseError('55P03'),
  '57014 query cancelled': databaseError('57014'),
  '57P01 admin shutdown': databaseError('57P01'),
  '57P02 crash shutdown': databaseError('57P02'),
  '57P03 cannot connect now': databaseError('57P03'),
  '57P04 database dropped': databaseError('57P04'),
  '57P05 idle session time-out': databaseError('57P05'),
  '58030 I/O error': databaseError('58030'),
  'missing_partition 23514 of no constraint': databaseError('23514'),
  EAI_AGAIN: systemError('EAI_AGAIN'),
  ECONNABORTED: systemError('ECONNABORTED'),
  ECONNREFUSED: systemError('ECONNREFUSED'),
  ECONNRESET: systemError('ECONNRESET'),
  EHOSTUNREACH: systemError('EHOSTUNREACH'),
  ENETDOWN: systemError('ENETDOWN'),
  ENETUNREACH: systemError('ENETUNREACH'),
  ENOTFOUND: systemError('ENOTFOUND'),
  EPIPE: systemError('EPIPE'),
  ETIMEDOUT: systemError('ETIMEDOUT'),
}

const someoneElsesFault = {
  '0A000 feature not supported': databaseError('0A000'),
  '21000 more rows than one': databaseError('21000'),
  '22001 text too long': databaseError('22001'),
  '22003 a number out of range': databaseError('22003'),
  '22021 a character that text cannot hold': databaseError('22021'),
  '22P02 not a uuid': databaseError('22P02'),
  '23502 null where none may be': databaseError('23502'),
  '23503 foreign key violation': databaseError('23503'),
  '23505 unique violation': databaseError('23505'),
  '23514 a check of ours': Object.assign(databaseError('23514'), { constraint: 'categories_name_check' }),
  '42501 not allowed': databaseError('42501'),
  '42601 syntax error': databaseError('42601'),
  '42703 no such column': databaseError('42703'),
  '42P01 no such table': databaseError('42P01'),
  '54000 a limit of Postgres itself': databaseError('54000'),
  '55006 object in use': databaseError('55006'),
  'XX000 internal error': databaseError('XX000'),
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
