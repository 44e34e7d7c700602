import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import type { ConsumedRecord } from '../../../src/domain/record.ts'
import { createAssignment, type Assignment } from '../../../src/kafka/assignment.ts'
import type { ConsumerEvent } from '../../../src/kafka/consumer-event.ts'
import type { DeliveredBatch } from '../../../src/kafka/owned-partition.ts'
import { offsetsBetween, recordsAt } from '../../support/builders/consumed-records.ts'

const limits = { highMark: 10, lowMark: 2, window: 100 }
const topic = 'topic'

let assignment: Assignment
let events: ConsumerEvent[]
/** What kafkajs was told last, by partition. */
let paused: Map<number, boolean>
let seeks: [number, bigint][]

beforeEach(() => {
  events = []
  paused = new Map()
  seeks = []
  assignment = createAssignment({
    limits,
    report: (event) => void events.push(event),
    member: {
      seek: ({ partition, offset }) => void seeks.push([partition, offset]),
      setPaused: ({ partition }, value) => void paused.set(partition, value),
    },
  })
})

function own(partitions: number[], { sameMember = true } = {}): ConsumerEvent | undefined {
  assignment.change({
    owned: partitions.map((partition) => ({ topic, partition })),
    memberId: 'member',
    sameMember,
  })
  return events.findLast(({ kind }) => kind === 'joined')
}

function deliver(partition: number, from: number, to: number, given: Partial<DeliveredBatch> = {}): boolean {
  return assignment.deliver({
    topic,
    partition,
    records: recordsAt(offsetsBetween(from, to), { topic, partition }),
    positionAfter: BigInt(to),
    highWatermark: 1_000n,
    isRunning: () => false,
    forgetRunning: () => {},
    ...given,
  })
}

const placesOf = (records: readonly ConsumedRecord[]) =>
  records.map(({ partition, offset }) => `${partition}/${offset}`).toSorted()

function complete(partition: number, offset: bigint): void {
  for (const record of recordsAt([offset], { topic, partition })) assignment.complete(record)
}

function commitAll(): string[] {
  const positions = assignment.uncommitted()
  assignment.committed(positions)
  return positions.map(({ partition, offset }) => `${partition}:${offset}`)
}

describe('an assignment', () => {
  test('keeps what it holds of a partition that stays, and fetches on from its tail', () => {
    own([0, 1])
    deliver(0, 0, 5)
    const joined = own([0, 2])
    assert.deepEqual(joined, { kind: 'joined', memberId: 'member', partitions: 2, kept: 1, lost: 1 })
    assert.deepEqual(seeks, [[0, 5n]])
    assert.equal(assignment.queued(), 5)
  })

  test('drops what it holds of a partition that is lost, and begins anew when it comes back', () => {
    own([0])
    deliver(0, 0, 5)
    own([])
    assert.equal(assignment.queued(), 0)
    assert.equal(deliver(0, 0, 5), false)
    own([0])
    assert.deepEqual(seeks, [])
    assert.equal(assignment.queued(), 0)
  })

  test('keeps nothing when it comes back as another member: others may have gone on meanwhile', () => {
    own([0, 1])
    deliver(0, 0, 5)
    const joined = own([0, 1], { sameMember: false })
    assert.deepEqual([joined?.kind === 'joined' && joined.kept, joined?.kind === 'joined' && joined.lost], [0, 2])
    assert.deepEqual(seeks, [])
    assert.equal(assignment.queued(), 0)
  })

  test('completes a record that ran over the rebalance in the queue that owns its partition then', () => {
    own([0])
    deliver(0, 0, 2)
    const [running] = assignment.take(1)
    own([])
    own([0])
    deliver(0, 0, 2, { isRunning: ({ offset }) => offset === running?.offset })
    assert.deepEqual(placesOf(assignment.take(9)), ['0/1'])
    complete(0, 1n)
    assert.deepEqual(commitAll(), ['0:0'])
    complete(0, 0n)
    assert.deepEqual(commitAll(), ['0:2'])
  })

  test('tells kafkajs at every join which partitions are paused, whatever it remembers', () => {
    own([0, 1])
    deliver(0, 0, 10)
    paused.clear()
    own([0, 1, 2])
    assert.deepEqual(
      [...paused],
      [
        [0, true],
        [1, false],
        [2, false],
      ],
    )
  })

  test('pauses a new partition as long as all are held', () => {
    own([0])
    assignment.pauseAll('fault')
    own([0, 1])
    assert.deepEqual(
      [...paused],
      [
        [0, true],
        [1, true],
      ],
    )
    assignment.resumeAll('fault')
    assert.deepEqual(
      [...paused],
      [
        [0, false],
        [1, false],
      ],
    )
  })

  test('resumes a partition when its last reason is gone, and not before', () => {
    own([0])
    deliver(0, 0, 10)
    assignment.pauseAll('fault')
    assignment.resumeAll('fault')
    assert.equal(paused.get(0), true, 'the queue is still full')
    assignment.take(7)
    assert.equal(paused.get(0), true, 'above the low mark')
    assignment.take(1)
    assert.equal(paused.get(0), false)
  })

  test('reports as many ends of a pause as beginnings, lost partitions included', () => {
    own([0, 1])
    assignment.pauseAll('fault')
    deliver(0, 0, 10)
    own([1, 2])
    own([1, 2], { sameMember: false })
    assignment.resumeAll('fault')
    const count = (kind: ConsumerEvent['kind']) => events.filter((event) => event.kind === kind).length
    assert.equal(count('paused'), count('resumed'))
  })

  test('takes from one partition after the other, so that none starves', () => {
    own([0, 1, 2])
    for (const partition of [0, 1, 2]) deliver(partition, 0, 9)
    const firsts = [1, 2, 3].map(() => assignment.take(4).map(({ partition }) => partition)[0])
    assert.deepEqual(firsts, [0, 1, 2])
  })

  test('fills a chunk from several partitions', () => {
    own([0, 1])
    deliver(0, 0, 2)
    deliver(1, 0, 2)
    assert.equal(assignment.available(), 4)
    assert.deepEqual(placesOf(assignment.take(3)), ['0/0', '0/1', '1/0'])
  })

  test('tells what is queued and what runs, by partition', () => {
    own([0, 1])
    deliver(0, 0, 5)
    deliver(1, 0, 3)
    assignment.take(2)
    complete(0, 0n)
    const inHand = assignment.inHand().map(({ partition, queued, running }) => ({ partition, queued, running }))
    assert.deepEqual(inHand, [
      { partition: 0, queued: 3, running: 1 },
      { partition: 1, queued: 3, running: 0 },
    ])
    own([1])
    assert.deepEqual(
      assignment.inHand().map(({ partition }) => partition),
      [1],
    )
  })

  test('offers a watermark until it is committed, and again only when it moved', () => {
    own([0])
    deliver(0, 0, 3)
    assignment.take(3)
    complete(0, 0n)
    assert.deepEqual(assignment.uncommitted(), [{ topic, partition: 0, offset: 1n }])
    assert.deepEqual(commitAll(), ['0:1'], 'a failed commit is offered again')
    assert.deepEqual(commitAll(), [])
    complete(0, 1n)
    assert.deepEqual(commitAll(), ['0:2'])
  })

  test('takes only what was sent for committed, although the watermark moved meanwhile', () => {
    own([0])
    deliver(0, 0, 3)
    complete(0, 0n)
    const positions = assignment.uncommitted()
    complete(0, 1n)
    assignment.committed(positions)
    assert.deepEqual(commitAll(), ['0:2'])
  })

  for (const [name, records, highWatermark] of [
    ['begins below the watermark', [0, 3], 1_000n],
    ['ends below the tail', [3, 4], 4n],
  ] as const) {
    test(`begins anew where a topic of the same name ${name}`, () => {
      own([0])
      deliver(0, 0, 5)
      const running = assignment.take(5)
      for (const offset of [0n, 1n]) complete(0, offset)
      let forgotten = 0
      const [from, to] = records
      deliver(0, from, to, {
        highWatermark,
        isRunning: ({ offset }) => forgotten === 0 && running.some((record) => record.offset === offset),
        forgetRunning: () => (forgotten += 1),
      })
      assert.equal(forgotten, 1)
      assert.equal(events.filter(({ kind }) => kind === 'topic_recreated').length, 1)
      assert.equal(assignment.take(9).length, to - from, 'the records of the new topic are started')
      assert.deepEqual(commitAll(), [`0:${from}`])
    })
  }

  test('takes a batch that it holds already for nothing but a repeat', () => {
    own([0])
    deliver(0, 0, 5)
    assert.equal(deliver(0, 2, 7), true)
    assert.equal(assignment.take(9).length, 7)
    assert.ok(!events.some(({ kind }) => kind === 'topic_recreated'))
  })
})
