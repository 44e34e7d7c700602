import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { IANAZone } from 'luxon'
import { endOfQuiet, nextWindow, outside, quietWindows, type DailyHours } from '../../../src/domain/quiet-windows.ts'

const dayMs = 86_400_000
const minuteMs = 60_000
const at = (text: string) => Date.parse(text)
const minutes = (clock: string) => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3))
const hours = (from: string, until: string): DailyHours => ({ fromMinute: minutes(from), untilMinute: minutes(until) })

function windowsOn(day: string, daily: DailyHours, ...zones: string[]): string[] {
  const windows = quietWindows([daily], zones, { from: at(`${day}T00:00Z`), until: at(`${day}T00:00Z`) + dayMs })
  return windows.map(({ from, until }) => `${new Date(from).toISOString()} ${new Date(until).toISOString()}`)
}

describe('quiet hours', () => {
  test('lie where the clocks of the person are', () => {
    assert.deepEqual(windowsOn('2026-07-01', hours('13:00', '14:00'), 'Asia/Seoul'), [
      '2026-07-01T04:00:00.000Z 2026-07-01T05:00:00.000Z',
    ])
    assert.deepEqual(windowsOn('2026-07-01', hours('13:00', '14:00'), 'America/New_York'), [
      '2026-07-01T17:00:00.000Z 2026-07-01T18:00:00.000Z',
    ])
  })

  test('last over midnight', () => {
    assert.deepEqual(windowsOn('2026-07-01', hours('22:00', '08:00'), 'Europe/London'), [
      '2026-06-30T21:00:00.000Z 2026-07-01T07:00:00.000Z',
      '2026-07-01T21:00:00.000Z 2026-07-02T07:00:00.000Z',
    ])
  })

  test('are an hour shorter in the night that skips one, and an hour longer in the night that has one twice', () => {
    assert.deepEqual(windowsOn('2026-03-08', hours('22:00', '08:00'), 'America/New_York').slice(0, 1), [
      '2026-03-08T03:00:00.000Z 2026-03-08T12:00:00.000Z',
    ])
    assert.deepEqual(windowsOn('2026-11-01', hours('22:00', '08:00'), 'America/New_York').slice(0, 1), [
      '2026-11-01T02:00:00.000Z 2026-11-01T13:00:00.000Z',
    ])
    assert.deepEqual(windowsOn('2026-03-29', hours('22:00', '08:00'), 'Europe/London').slice(0, 1), [
      '2026-03-28T22:00:00.000Z 2026-03-29T07:00:00.000Z',
    ])
  })

  test('that begin or end at a time which the clocks skip begin or end with the jump', () => {
    assert.deepEqual(windowsOn('2026-03-08', hours('02:30', '09:00'), 'America/New_York'), [
      '2026-03-08T07:00:00.000Z 2026-03-08T13:00:00.000Z',
    ])
    assert.deepEqual(windowsOn('2026-03-08', hours('00:30', '02:30'), 'America/New_York'), [
      '2026-03-08T05:30:00.000Z 2026-03-08T07:00:00.000Z',
    ])
  })

  test('that begin or end at a time which comes twice last from its first to its second coming', () => {
    assert.deepEqual(windowsOn('2026-11-01', hours('01:30', '09:00'), 'America/New_York'), [
      '2026-11-01T05:30:00.000Z 2026-11-01T14:00:00.000Z',
    ])
    assert.deepEqual(windowsOn('2026-11-01', hours('00:00', '01:30'), 'America/New_York'), [
      '2026-11-01T04:00:00.000Z 2026-11-01T06:30:00.000Z',
    ])
  })

  test('hold as long as it is quiet in any zone that a person may live in', () => {
    assert.deepEqual(windowsOn('2026-07-01', hours('08:00', '09:00'), 'America/New_York', 'America/Chicago'), [
      '2026-07-01T12:00:00.000Z 2026-07-01T14:00:00.000Z',
    ])
  })

  test('from one time to the same are the whole day, and a send window of the same is no window', () => {
    assert.equal(windowsOn('2026-07-01', hours('08:00', '08:00'), 'Asia/Seoul').length, 1)
    assert.equal(outside(hours('08:00', '08:00')), undefined)
    assert.deepEqual(outside(hours('09:00', '20:00')), hours('20:00', '09:00'))
  })

  test('agree with the clock on the wall at every instant, but for the hour that comes twice', () => {
    const zones = ['America/New_York', 'Europe/London', 'Australia/Lord_Howe', 'Asia/Seoul', 'America/St_Johns']
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.nat(1_439),
        fc.nat(1_439),
        fc.integer({ min: at('2026-01-01T00:00Z') / minuteMs, max: at('2027-12-31T00:00Z') / minuteMs }),
        (zone, fromMinute, untilMinute, minute) => {
          const instant = minute * minuteMs
          const windows = quietWindows([{ fromMinute, untilMinute }], [zone], { from: instant, until: instant + dayMs })
          const isQuiet = endOfQuiet(windows, instant) !== undefined
          const wall = wallMinute(zone, instant)
          const overnight = untilMinute <= fromMinute
          const showsQuiet = overnight
            ? wall >= fromMinute || wall < untilMinute
            : wall >= fromMinute && wall < untilMinute
          if (showsQuiet) assert.ok(isQuiet, 'rings although the clock shows quiet')
          else if (isQuiet)
            assert.ok(isNearARepeatedHour(zone, instant), 'is quiet although the clock does not show it')
        },
      ),
      { numRuns: 3_000 },
    )
  })

  test('are told apart: the one that it is now, and the next', () => {
    const windows = [
      { from: 100, until: 200 },
      { from: 300, until: 400 },
    ]
    assert.equal(endOfQuiet(windows, 150), 200)
    assert.equal(endOfQuiet(windows, 200), undefined)
    assert.deepEqual(nextWindow(windows, 200), { from: 300, until: 400 })
    assert.equal(nextWindow(windows, 400), undefined)
  })
})

function wallMinute(zone: string, instant: number): number {
  const shown = instant + IANAZone.create(zone).offset(instant) * minuteMs
  return Math.floor((((shown % dayMs) + dayMs) % dayMs) / minuteMs)
}

function isNearARepeatedHour(zone: string, instant: number): boolean {
  const offset = (at: number) => IANAZone.create(zone).offset(at)
  const aroundMs = 2 * 3_600_000
  return offset(instant - aroundMs) > offset(instant + aroundMs)
}
