import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import type { Consumer } from 'kafkajs'
import { followMembership } from '../../../src/kafka/group-membership.ts'
import type { AssignmentChange } from '../../../src/kafka/partition-position.ts'

function aMembership() {
  const emitter = new EventEmitter()
  const names = ['FETCH', 'HEARTBEAT', 'REBALANCING', 'GROUP_JOIN', 'STOP', 'CRASH']
  const state = { now: 1_000, leaving: false, ended: 0, fatal: [] as Error[], changes: [] as AssignmentChange[] }
  const consumer = {
    on: (name: string, listener: (event: unknown) => void) => emitter.on(name, listener),
    events: Object.fromEntries(names.map((name) => [name, name])),
    // Of kafkajs's consumer only its events are followed.
  } as unknown as Consumer
  const membership = followMembership(consumer, {
    report: () => {},
    clock: () => state.now,
    fatal: (error) => void state.fatal.push(error),
    leaving: () => state.leaving,
    assigned: (change) => void state.changes.push(change),
    rebalancing: () => {},
    ended: () => (state.ended += 1),
  })
  const emit = (name: string, payload: object = {}) => emitter.emit(name, { payload })
  const join = (memberId: string) => emit('GROUP_JOIN', { memberId, memberAssignment: { a: [0, 2], b: [1] } })
  return { membership, state, emit, join }
}

describe('the membership of a group', () => {
  test('begins with the first assignment, and each raises the epoch', async () => {
    const { membership, state, join } = aMembership()
    assert.deepEqual([membership.running(), membership.epoch()], [false, 0])
    join('m1')
    await membership.firstJoin
    assert.deepEqual([membership.running(), membership.epoch()], [true, 1])
    join('m1')
    assert.equal(membership.epoch(), 2)
    assert.deepEqual(state.changes[0]?.owned, [
      { topic: 'a', partition: 0 },
      { topic: 'a', partition: 2 },
      { topic: 'b', partition: 1 },
    ])
  })

  test('tells whether it is the member that had the last assignment', () => {
    const { state, join } = aMembership()
    for (const memberId of ['m1', 'm1', 'm2', 'm2', 'm1']) join(memberId)
    assert.deepEqual(
      state.changes.map(({ sameMember }) => sameMember),
      [false, true, false, true, false],
    )
  })

  test('has no group from the stop of a run to the next assignment', () => {
    const { membership, state, emit, join } = aMembership()
    join('m1')
    emit('STOP')
    assert.deepEqual([membership.running(), state.ended], [false, 1])
    join('m2')
    assert.equal(membership.running(), true)
  })

  test('is fatal where the consumer will not start again, and only then', () => {
    const { membership, state, emit, join } = aMembership()
    const error = new Error('crash')
    join('m1')
    emit('CRASH', { restart: true, error })
    assert.deepEqual([state.fatal, membership.dead()], [[], false])
    emit('CRASH', { restart: false, error })
    assert.deepEqual([state.fatal, membership.dead()], [[error], true])
  })

  test('fails the start where the consumer dies before its first assignment', async () => {
    const { membership, state, emit } = aMembership()
    const error = new Error('crash')
    emit('CRASH', { restart: false, error })
    await assert.rejects(membership.firstJoin, error)
    assert.deepEqual(state.fatal, [])
  })

  test('takes the end of a member that leaves for no crash', () => {
    const { membership, state, emit, join } = aMembership()
    join('m1')
    state.leaving = true
    emit('CRASH', { restart: false, error: new Error('closed') })
    assert.deepEqual([state.fatal, membership.dead()], [[], false])
  })

  test('is as alive as its last heartbeat or join: a member that its group forgot may still fetch', () => {
    const { membership, state, emit, join } = aMembership()
    state.now = 2_000
    join('m1')
    assert.equal(membership.lastActivity(), 2_000)
    state.now = 3_000
    emit('HEARTBEAT')
    assert.equal(membership.lastActivity(), 3_000)
    state.now = 4_000
    emit('FETCH')
    assert.equal(membership.lastActivity(), 3_000)
  })
})
