import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InvalidArgumentError } from 'commander'
import { channelsArgument, dataArgument, durationArgument } from '../../../src/cli/event-arguments.ts'

describe('--data', () => {
  test('takes name=value as text, whatever the value looks like', () => {
    assert.deepEqual(dataArgument('item_name=Umbrella', {}), { item_name: 'Umbrella' })
    assert.deepEqual(dataArgument('code=042', {}), { code: '042' })
    assert.deepEqual(dataArgument('url=https://a.example/?b=c&d=e', {}), { url: 'https://a.example/?b=c&d=e' })
    assert.deepEqual(dataArgument('empty=', {}), { empty: '' })
    assert.deepEqual(dataArgument('이름=두 줄\n텍스트', {}), { 이름: '두 줄\n텍스트' })
  })

  test('takes name:=json as what template data may hold', () => {
    assert.deepEqual(dataArgument('minutes:=10', {}), { minutes: 10 })
    assert.deepEqual(dataArgument('gift:=true', {}), { gift: true })
    assert.deepEqual(dataArgument('note:=null', {}), { note: null })
    assert.deepEqual(dataArgument('lines:=[{"name":"Umbrella","quantity":1}]', {}), {
      lines: [{ name: 'Umbrella', quantity: 1 }],
    })
  })

  test('gathers what is given several times, the last one of a name', () => {
    const first = dataArgument('a=1', {})
    assert.deepEqual(dataArgument('a=3', dataArgument('b=2', first)), { a: '3', b: '2' })
    assert.deepEqual(first, { a: '1' })
  })

  test('refuses what has no name, no value or no JSON', () => {
    for (const given of ['item_name', '=Umbrella', '', 'two words=1', 'a:=', 'a:={}', 'a:=[[1]]', 'a:=[1]', 'a:=x']) {
      assert.throws(() => dataArgument(given, {}), InvalidArgumentError, given)
    }
  })
})

test('--channels takes the words of requests and no others', () => {
  assert.deepEqual(channelsArgument('push, email'), ['push', 'email'])
  for (const given of ['ios', '', 'push,', 'Push']) {
    assert.throws(() => channelsArgument(given), InvalidArgumentError, given)
  }
})

test('--expires-in takes a number with its unit', () => {
  assert.equal(durationArgument('90s'), 90_000)
  assert.equal(durationArgument('10m'), 600_000)
  assert.equal(durationArgument('2h'), 7_200_000)
  assert.equal(durationArgument('1d'), 86_400_000)
  for (const given of ['90', 's', '1.5h', '-1h', '1w', '']) {
    assert.throws(() => durationArgument(given), InvalidArgumentError, given)
  }
})
