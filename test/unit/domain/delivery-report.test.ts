import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { mergeReports } from '../../../src/domain/delivery-report.ts'
import { anyReport } from '../../support/builders/reports.ts'

const deliveryId = '01996b1e-0c7b-8000-8000-000000000001'
const reports = fc.array(anyReport(deliveryId), { minLength: 1, maxLength: 8 })
/** The same again in another order, each twice. */
const againOf = <Item>(given: readonly Item[]) =>
  fc.shuffledSubarray([...given, ...given], { minLength: 2 * given.length })

describe('reports about one delivery', () => {
  test('come to the same in whatever order they are merged, and however often', () => {
    fc.assert(
      fc.property(
        reports.chain((given) => fc.tuple(fc.constant(given), againOf(given))),
        ([given, again]) => assert.deepEqual(again.reduce(mergeReports), given.reduce(mergeReports)),
      ),
      { numRuns: 1_000 },
    )
  })

  test('come to the same however they are grouped', () => {
    fc.assert(
      fc.property(anyReport(deliveryId), anyReport(deliveryId), anyReport(deliveryId), (one, two, three) => {
        assert.deepEqual(mergeReports(mergeReports(one, two), three), mergeReports(one, mergeReports(two, three)))
      }),
      { numRuns: 1_000 },
    )
  })
})
