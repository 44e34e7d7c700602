import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createPart, type PartContext, type PartDefinition } from '../../src/local/stack/part.ts'
import { findPostgresPackage, installPostgres } from '../../src/local/stack/postgres-binaries.ts'
import { ensurePrerequisites, thisSystem } from '../../src/local/stack/prerequisites.ts'
import { identifyProcess, mayBeAlive } from '../../src/local/stack/process-table.ts'
import type { StackEvent } from '../../src/local/stack/stack-event.ts'

let directory: string

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fanfare-test-'))
})

after(async () => {
  await rm(directory, { recursive: true, force: true })
})

/** A part that listens on its port and does nothing else, or whatever the given program does. */
function listeningPart(differences: Partial<PartDefinition> = {}): PartDefinition {
  return {
    name: 'redis',
    portCount: 1,
    prepare: async ([port]) => runNode(`require('net').createServer().listen(${port}, '127.0.0.1')`),
    isReady: async () => true,
    restartSignal: 'SIGTERM',
    discardSignal: 'SIGKILL',
    ...differences,
  }
}

const runNode = (script: string) => ({
  program: process.execPath,
  arguments: ['-e', script],
  workingDirectory: directory,
  environment: {},
})

function contextWith(events: StackEvent[]): PartContext {
  const setpriv = thisSystem(process.env).find('setpriv')
  assert.ok(setpriv !== undefined)
  const logFile = join(directory, 'part.log')
  return { setpriv, logFile, signal: new AbortController().signal, onEvent: (event) => void events.push(event) }
}

describe('a part of the stack', () => {
  test('starts on another port when somebody takes the one that was chosen', async () => {
    const events: StackEvent[] = []
    const listening = listeningPart()
    const thieves: Server[] = []
    const prepare: PartDefinition['prepare'] = async (ports, signal) => {
      if (thieves.length < 2) {
        const thief = createServer().listen(ports[0], '127.0.0.1')
        await once(thief, 'listening')
        thieves.push(thief)
      }
      return listening.prepare(ports, signal)
    }
    const part = createPart(listeningPart({ prepare }), contextWith(events))
    const ports = await part.start()
    const stolen = thieves.map((thief) => thief.address())
    assert.ok(stolen.every((address) => typeof address === 'object' && address?.port !== ports[0]))
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['starting', 'port-taken', 'port-taken', 'ready'],
    )
    await part.stop()
    for (const thief of thieves) thief.close()
  })

  test('names its log and shows its end when it cannot start', async () => {
    const broken = listeningPart({ prepare: async () => runNode(`console.error('no such setting'); process.exit(3)`) })
    const part = createPart(broken, contextWith([]))
    await assert.rejects(part.start(), (error: Error) => {
      assert.match(error.message, /redis ended while starting.*part\.log[^]*no such setting/)
      return true
    })
    assert.equal(part.processId(), undefined)
  })

  test('stays where it is over a restart', async () => {
    const part = createPart(listeningPart(), contextWith([]))
    await part.start()
    const before = part.processId()
    await Promise.all([part.restart(), part.restart()])
    assert.notEqual(part.processId(), before)
    await part.stop()
    assert.equal(part.processId(), undefined)
  })

  test('can be stopped by code that may not wait', async () => {
    const part = createPart(listeningPart(), contextWith([]))
    await part.start()
    const identity = identifyProcess(part.processId() ?? 0)
    assert.ok(identity !== undefined)
    part.stopSync()
    assert.ok(!mayBeAlive(identity))
    await part.stop()
  })
})

describe('the copy of PostgreSQL', () => {
  test('has the links that the package lacks, and is readable for every user', async () => {
    const installed = await installPostgres(await findPostgresPackage(process.arch), directory)
    assert.match(await readlink(join(installed, 'lib', 'libpq.so.5')), /^libpq\.so\.5\.\d+$/)
    assert.equal((await stat(join(installed, 'bin', 'postgres'))).mode & 0o777, 0o755)
    assert.equal((await stat(installed)).mode & 0o777, 0o755)
  })

  test('is made anew when files of it are missing', async () => {
    const from = await findPostgresPackage(process.arch)
    const installed = await installPostgres(from, directory)
    await rm(join(installed, 'share'), { recursive: true })
    assert.equal(await installPostgres(from, directory), installed)
    assert.ok((await stat(join(installed, 'share', 'postgresql', 'postgres.bki'))).isFile())
  })

  test('is refused when others may write to it', async () => {
    const from = await findPostgresPackage(process.arch)
    const installed = await installPostgres(from, directory)
    await chmod(installed, 0o777)
    await assert.rejects(installPostgres(from, directory), { code: 'untrusted_directory' })
  })

  test('survives being made by two stacks at once', async () => {
    const from = await findPostgresPackage(process.arch)
    const shared = join(directory, 'shared')
    await mkdir(shared)
    const [one, two] = await Promise.all([installPostgres(from, shared), installPostgres(from, shared)])
    assert.equal(one, two)
  })
})

describe('the installation of what is missing', () => {
  test('is announced, updates once and installs everything in one go', async () => {
    const bin = join(directory, 'bin')
    const calls = join(directory, 'calls')
    await mkdir(bin)
    const aptGet = `#!/bin/sh\necho "$@" >> ${calls}\nfor last; do :; done\ncp "$0" ${bin}/"$last"\n`
    await writeFile(join(bin, 'apt-get'), aptGet, { mode: 0o755 })
    const events: StackEvent[] = []
    await ensurePrerequisites({
      needed: ['redis-server'],
      system: { ...thisSystem({ PATH: bin }), isRoot: true },
      mayInstall: true,
      environment: { PATH: '/usr/bin:/bin' },
      logFile: join(directory, 'install.log'),
      onEvent: (event) => void events.push(event),
    })
    const install = 'install -y --no-install-recommends redis-server'
    assert.equal(await readFile(calls, 'utf8'), `update\n${install}\n`)
    assert.deepEqual(events, [{ kind: 'installing', command: `apt-get update && apt-get ${install}` }])
  })
})
