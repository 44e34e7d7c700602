/**
 * What `kubectl kustomize` makes of k8s/, rendered once for each overlay and test file.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'

export const projectFolder = resolve(import.meta.dirname, '../../..')

/** Every overlay there is, by its folder's name. */
export const overlays = readdirSync(join(projectFolder, 'k8s/overlays')).toSorted()

/** For a suite's options: why it is skipped, or false. CI accepts no skip (test/strict-run.ts). */
export const kubectlMissing =
  spawnSync('kubectl', ['version', '--client']).status === 0
    ? false
    : 'kubectl is not installed, so nothing was rendered'

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).default({}),
  }),
})
export type Manifest = z.infer<typeof manifest>

const rendered = new Map<string, Manifest[]>()

/** The objects of an overlay, in kustomize's order. Throws what kustomize says if it refuses. */
export function renderOverlay(overlay: string): readonly Manifest[] {
  const known = rendered.get(overlay)
  if (known !== undefined) return known
  const folder = join(projectFolder, 'k8s/overlays', overlay)
  const { stdout, stderr, status } = spawnSync('kubectl', ['kustomize', folder], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  const manifests = parseManifests(stdout)
  rendered.set(overlay, manifests)
  return manifests
}

export function parseManifests(yaml: string): Manifest[] {
  return parseAllDocuments(yaml).map((document) => manifest.parse(document.toJS()))
}

export function ofKind(manifests: readonly Manifest[], kind: string): Manifest[] {
  return manifests.filter((each) => each.kind === kind)
}

/** How a failure names an object. */
export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`
}
