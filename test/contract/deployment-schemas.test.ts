import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { manifestFaults, misspellings } from '../support/deployment/manifest-faults.ts'
import { kubectlMissing, nameOf, overlays, renderOverlay, type Manifest } from '../support/deployment/overlays.ts'

async function report(manifests: readonly Manifest[]): Promise<string[]> {
  const faults = await manifestFaults(manifests)
  return manifests.flatMap((each, index) => (faults[index] ?? []).map((fault) => `${nameOf(each)}: ${fault}`))
}

describe('the rendered objects', { skip: kubectlMissing }, () => {
  // In one go: the compiler's start is most of it.
  test('of every overlay have no key that their kind does not know, and no value of a wrong form', async () => {
    assert.ok(overlays.length >= 2)
    assert.deepEqual(await report(overlays.flatMap(renderOverlay)), [])
  })

  test('would be refused with any one key misspelt', async () => {
    const byKind = new Map(renderOverlay('production').map((each) => [each.kind, each]))
    const planted = [...byKind.values()].flatMap(misspellings)
    assert.ok(planted.length > 200)
    const faults = await manifestFaults(planted.map(({ manifest }) => manifest))
    const unseen = planted.filter((_, index) => faults[index]?.length === 0).map(({ key }) => key)
    assert.deepEqual(unseen, [])
  })

  test('would be refused with a value of a wrong type or form', async () => {
    const [scaled, deployment] = ['ScaledObject', 'Deployment'].map((kind) =>
      renderOverlay('production').find((each) => each.kind === kind),
    )
    const wrong = [
      alter(scaled, (text) => text.replace('"maxReplicaCount":12', '"maxReplicaCount":"12"')),
      alter(scaled, (text) => text.replace(/"lagThreshold":"(\d+)"/, '"lagThreshold":$1')),
      alter(deployment, (text) => text.replace('"periodSeconds":10', '"periodSeconds":1.5')),
    ]
    const faults = await manifestFaults(wrong)
    assert.deepEqual(
      faults.map((list) => list.length > 0),
      [true, true, true],
    )
  })
})

function alter(manifest: Manifest | undefined, edit: (text: string) => string): Manifest {
  const text = JSON.stringify(manifest)
  assert.notEqual(edit(text), text)
  return JSON.parse(edit(text)) as Manifest
}
