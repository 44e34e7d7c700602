/**
 * `make sbom`: what the image contains, as CycloneDX, in .fanfare/sbom.cdx.json.
 *
 * npm reads the manifests without their other packages. Told to omit them instead (`npm sbom --omit=dev`) it leaves out
 * whatever a package of development shares with production as well: 75 of 434 here (npm 11.19).
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectFolder } from './overlays.ts'
import { writeProductionManifests } from './production-packages.ts'

const file = '.fanfare/sbom.cdx.json'
const folder = mkdtempSync(join(tmpdir(), 'fanfare-sbom-'))
try {
  writeProductionManifests(folder)
  const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--loglevel=error']
  const bom = execFileSync('npm', args, { cwd: folder })
  mkdirSync(join(projectFolder, '.fanfare'), { recursive: true })
  writeFileSync(join(projectFolder, file), bom)
  process.stdout.write(`${file}\n`)
} finally {
  rmSync(folder, { recursive: true })
}
