import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyUnavailable } from '../../../../src/domain/dependency-unavailable.ts'
import type { FetchedSchema } from '../../../../src/kafka/registry/registry-client.ts'
import { createSchemaStore, type SchemaStoreLimits } from '../../../../src/kafka/registry/schema-store.ts'

const letter = JSON.stringify({ type: 'record', name: 'Letter', namespace: 'post', fields: [] })

/** A store over a registry that answers as told, and the ids that it was asked for. */
function storeOver(answer: (id: number) => FetchedSchema, limits: Partial<SchemaStoreLimits> = {}) {
  const asked: number[] = []
  const clock = { nowMs: 0 }
  const store = createSchemaStore({
    fetchSchema: async (id) => {
      asked.push(id)
      return answer(id)
    },
    now: () => clock.nowMs,
    limits: { unknownRetryDelayMs: 1, ...limits },
  })
  const kindsOf = async (...ids: number[]) => {
    const schemas = await store.resolve(new Set(ids))
    return ids.map((id) => schemas.get(id)?.kind)
  }
  return { asked, clock, kindsOf }
}

describe('the schema store', () => {
  test('asks once for an id, however many ask it at the same time and later', async () => {
    const { asked, kindsOf } = storeOver(() => ({ kind: 'avro', schema: letter }))
    assert.deepEqual(await Promise.all([kindsOf(7), kindsOf(7, 8)]), [['record'], ['record', 'record']])
    assert.deepEqual(await kindsOf(8, 7), ['record', 'record'])
    assert.deepEqual(asked, [7, 8])
  })

  test('asks for an unknown id a few times, then not again until its time is over', async () => {
    const { asked, clock, kindsOf } = storeOver(() => ({ kind: 'unknown_id' }), {
      attemptsPerUnknownId: 3,
      unknownTtlMs: 60_000,
    })
    assert.deepEqual(await kindsOf(9), ['unknown'])
    clock.nowMs = 59_999
    assert.deepEqual(await kindsOf(9), ['unknown'])
    assert.equal(asked.length, 3)
    clock.nowMs = 60_000
    await kindsOf(9)
    assert.equal(asked.length, 6)
  })

  test('finds a schema that the registry comes to know while it is asked', async () => {
    let answers = 0
    const { kindsOf } = storeOver(() => (++answers < 3 ? { kind: 'unknown_id' } : { kind: 'avro', schema: letter }))
    assert.deepEqual(await kindsOf(9), ['record'])
  })

  test('does not ask for an id that no registry gives out', async () => {
    const { asked, kindsOf } = storeOver(() => ({ kind: 'avro', schema: letter }))
    assert.deepEqual(await kindsOf(2 ** 31, 2 ** 32 - 1), ['unknown', 'unknown'])
    assert.deepEqual(asked, [])
  })

  test('remembers nothing of a registry that is away', async () => {
    let away = true
    const { asked, kindsOf } = storeOver(() => {
      if (away) throw new DependencyUnavailable('registry', 'ECONNREFUSED')
      return { kind: 'avro', schema: letter }
    })
    await assert.rejects(kindsOf(7), DependencyUnavailable)
    away = false
    assert.deepEqual(await kindsOf(7), ['record'])
    assert.equal(asked.length, 2)
  })

  test('forgets the least recently used beyond its limit, and still answers a chunk with more ids than that', async () => {
    const { asked, kindsOf } = storeOver(() => ({ kind: 'avro', schema: letter }), { rememberedIds: 2 })
    assert.deepEqual(await kindsOf(1, 2, 3), ['record', 'record', 'record'])
    await kindsOf(2)
    await kindsOf(1)
    assert.deepEqual(asked, [1, 2, 3, 1])
  })

  test('calls a schema that it cannot use by that name', async () => {
    const answers: FetchedSchema[] = [
      { kind: 'other' },
      { kind: 'avro', schema: '"string"' },
      { kind: 'avro', schema: '{"type":"nonsense"}' },
      { kind: 'avro', schema: 'not JSON' },
    ]
    const { kindsOf } = storeOver((id) => answers[id - 1]!)
    assert.deepEqual(await kindsOf(1, 2, 3, 4), ['unusable', 'unusable', 'unusable', 'unusable'])
  })
})
