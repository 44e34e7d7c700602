import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linkAgeLimitMs } from '../../../src/domain/signed-link.ts'
import { deliveryIdAt, edgeNowMs, linksOf, testEdge, type TestEdge } from '../../support/builders/edge.ts'

const token = linksOf().appFeedbackToken()

function report({ server }: TestEdge, body: object) {
  return server.inject({ method: 'POST', url: '/v1/feedback', payload: body })
}

describe('what an app reports', () => {
  test('is taken about its own push: that it arrived, was tapped, started the app', async () => {
    const edge = await testEdge()
    const reports = ['delivered', 'opened', 'session_started'].map((kind) => ({ token, kind }))
    const answer = await report(edge, { reports })
    assert.equal(answer.statusCode, 202)
    assert.deepEqual(answer.json(), { taken: 3, refused: [] })
    assert.deepEqual(
      edge.offered.map(({ kind, automatic }) => [kind, automatic]),
      [
        ['delivered', false],
        ['opened', false],
        ['opened', false],
      ],
    )
    // A session that it started is the open that its tap was.
    assert.equal(edge.offered[1]?.feedbackId, edge.offered[2]?.feedbackId)
    assert.ok(edge.offered.every(({ deliveryId }) => deliveryId === deliveryIdAt(edgeNowMs - 60_000)))
  })

  test('is judged one by one, and what is refused will never be taken', async () => {
    const edge = await testEdge()
    const old = linksOf({ deliveryId: deliveryIdAt(edgeNowMs - linkAgeLimitMs.app_feedback - 1) }).appFeedbackToken()
    const openToken = linksOf().openPixel().split('/').at(-1)!
    const reports = [old, 'x', token, openToken].map((each) => ({ token: each, kind: 'opened' }))
    const answer = await report(edge, { reports })
    assert.deepEqual(answer.json(), {
      taken: 1,
      refused: [
        { index: 0, reason: 'expired' },
        { index: 1, reason: 'not_valid' },
        { index: 3, reason: 'not_valid' },
      ],
    })
  })

  test('is to come again where there is no room', async () => {
    const edge = await testEdge({ feedback: { offer: () => 'dropped' } })
    const answer = await report(edge, { reports: [{ token, kind: 'opened' }] })
    assert.equal(answer.statusCode, 503)
    assert.equal(answer.headers['retry-after'], '30')
  })

  test('is refused by name where it is something else', async () => {
    const edge = await testEdge()
    const bodies = [
      {},
      { reports: [] },
      { reports: Array.from({ length: 51 }, () => ({ token, kind: 'opened' })) },
      { reports: [{ token, kind: 'clicked' }] },
      { reports: [{ token: 'x'.repeat(201), kind: 'opened' }] },
      { reports: [{ token, kind: 'opened', occurredAt: 1 }] },
      { reports: [{ token: 1, kind: 'opened' }] },
    ]
    for (const body of bodies) {
      const answer = await report(edge, body)
      assert.equal(answer.statusCode, 400, JSON.stringify(body).slice(0, 80))
      assert.ok(!answer.body.includes(token))
    }
    assert.deepEqual(edge.offered, [])
  })
})
