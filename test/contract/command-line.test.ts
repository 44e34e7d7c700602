import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { text } from 'node:stream/consumers'
import { programs } from '../../src/cli/programs.ts'
import { writeEnvironmentFile } from '../../src/cli/environment-file.ts'

const root = resolve(import.meta.dirname, '../..')

interface Run {
  program?: string
  args?: readonly string[]
  cwd?: string
  environment?: Record<string, string>
  path?: string
}

async function run({ program = join(root, 'fanfare'), args = [], cwd = root, environment = {}, path }: Run) {
  const env = { PATH: path ?? process.env['PATH'], HOME: process.env['HOME'], ...environment }
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { stdout, stderr, code: code as number | null }
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

describe('the command line', () => {
  test('lists every role and command with its summary', async () => {
    const { stdout, code } = await run({ args: ['--help'] })
    assert.equal(code, 0)
    for (const [name, { summary }] of Object.entries(programs)) {
      assert.match(stdout, new RegExp(`^  ${name} +${summary.slice(0, 20)}`, 'm'))
    }
  })

  test('explains every role and command, with an example', async () => {
    const helps = await Promise.all(Object.keys(programs).map((name) => run({ args: [name, '--help'] })))
    for (const { stdout, code } of helps) {
      assert.equal(code, 0)
      assert.match(stdout, /Examples?\b.*:\n {2}|Commands:/)
    }
  })

  test('ends with 64 on a command, an option or an argument that does not exist, and names what was meant', async () => {
    const calls = [
      ['topcs'],
      ['topics', 'chek'],
      ['topics', 'check', '--replica'],
      ['topics', 'check', '--replicas', 'x'],
      [],
    ]
    for (const args of calls) {
      const { code } = await run({ args })
      assert.equal(code, 64, args.join(' '))
    }
    assert.match((await run({ args: ['topcs'] })).stderr, /topics/)
  })

  test('names the channel that does not exist and those that do, and asks for the reason of a pause', async () => {
    const pigeon = await run({ args: ['channels', 'pause', 'pigeon', '--reason', 'x'] })
    assert.match(pigeon.stderr, /'pigeon' is invalid.*ios, android, sms, email/)
    const slow = await run({ args: ['channels', 'resume', 'sms', '--lane', 'slow'] })
    assert.match(slow.stderr, /'slow' is invalid.*transactional, bulk/)
    const silent = await run({ args: ['channels', 'pause', 'sms'] })
    assert.match(silent.stderr, /--reason/)
    const blank = await run({ args: ['channels', 'pause', 'sms', '--reason', ' '] })
    const endless = await run({ args: ['channels', 'pause', 'sms', '--reason', 'x', '--for', '31d'] })
    assert.deepEqual(
      [pigeon, slow, silent, blank, endless].map(({ code }) => code),
      [64, 64, 64, 64, 64],
    )
  })

  test('ends with 78 on a wrong configuration, every fault on a line of its own and no secret in any', async () => {
    const environment = {
      FANFARE_KAFKA_BROKER: 'one:9092',
      FANFARE_TOPIC_PREFIX: 'Upper_',
      FANFARE_REGISTRY_URL: 'ftp://user:SENSITIVE@registry',
    }
    const { stderr, code } = await run({ args: ['schemas', 'check'], environment })
    assert.equal(code, 78)
    assert.deepEqual(stderr.trimEnd().split('\n'), [
      'fanfare: the configuration has 3 faults',
      'FANFARE_KAFKA_BROKER: expected no variable of this name; did you mean FANFARE_KAFKA_BROKERS?, received [redacted]',
      'FANFARE_TOPIC_PREFIX: expected at most 100 lower-case letters, digits, dots and hyphens, received "Upper_"',
      'FANFARE_REGISTRY_URL: expected a URL beginning with http:// or https://, received "ftp://[redacted]@registry/"',
    ])
  })

  test('ends with 1 and one line when a dependency is away', async () => {
    const environment = { FANFARE_REGISTRY_URL: 'http://127.0.0.1:1' }
    const { stderr, code } = await run({ args: ['schemas', 'check'], environment })
    assert.equal(code, 1)
    assert.match(stderr, /^fanfare: registry is unavailable .*\n$/)
  })

  test('ends a command that runs until interrupted with 0 at SIGTERM', async (t) => {
    const folder = await temporaryFolder(t)
    const child = spawn(join(root, 'fanfare'), ['simulator', '--environment-file', join(folder, 'simulator.env')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [first] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as unknown[]
    assert.match(String(first), /^ready:/)
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })
})

describe('the wrapper', () => {
  /** A checkout with the wrapper alone; `node` on its PATH is a script that claims to be of the version. */
  async function checkout(t: TestContext, systemNode: string) {
    const folder = await temporaryFolder(t)
    await mkdir(join(folder, 'bin'))
    await cp(join(root, 'fanfare'), join(folder, 'fanfare'))
    await writeProgram(join(folder, 'bin/node'), `[ "$1" = --version ] && echo ${systemNode} || echo "system $*"`)
    return { folder, path: `${folder}/bin:/usr/bin:/bin` }
  }
  async function installPinned(folder: string) {
    for (const architecture of ['x64', 'arm64']) {
      const bin = join(folder, `node_modules/node-linux-${architecture}/bin`)
      await mkdir(bin, { recursive: true })
      await writeProgram(join(bin, 'node'), 'echo "pinned $*"')
    }
  }
  async function writeProgram(path: string, script: string) {
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
  }

  test('takes the system’s Node from 24 on, and the pinned one below', async (t) => {
    for (const [version, used] of [
      ['v24.0.0', 'system'],
      ['v25.1.0', 'system'],
      ['v20.20.2', 'pinned'],
    ] as const) {
      const { folder, path } = await checkout(t, version)
      await installPinned(folder)
      const { stdout } = await run({ program: join(folder, 'fanfare'), args: ['status', 'a b'], path })
      assert.equal(stdout, `${used} ${folder}/src/main.ts status a b\n`)
    }
  })

  test('names `make setup` when packages or Node are missing', async (t) => {
    const { folder, path } = await checkout(t, 'v20.20.2')
    const withoutPackages = await run({ program: join(folder, 'fanfare'), path })
    await mkdir(join(folder, 'node_modules'))
    const withoutNode = await run({ program: join(folder, 'fanfare'), path })
    for (const { code, stderr } of [withoutPackages, withoutNode]) {
      assert.equal(code, 1)
      assert.match(stderr, /make setup/)
    }
    assert.match(withoutNode.stderr, /v20\.20\.2/)
  })

  test('finds its checkout through symbolic links and from any folder', async (t) => {
    const folder = await temporaryFolder(t)
    await symlink(join(root, 'fanfare'), join(folder, 'absolute'))
    await symlink('absolute', join(folder, 'relative'))
    const { stdout, code } = await run({ program: join(folder, 'relative'), args: ['migrate', '--help'], cwd: folder })
    assert.equal(code, 0)
    assert.match(stdout, /Usage: fanfare migrate/)
  })
})

test('an environment file gives every value to a shell as it was', async (t) => {
  const file = join(await temporaryFolder(t), 'deep/er.env')
  const value = `it's "two"\nlines with $HOME and \\n`
  writeEnvironmentFile(file, { FANFARE_A: value, FANFARE_B: '' })
  const { stdout } = await run({ program: '/bin/sh', args: ['-c', `. ${file}; printf %s "$FANFARE_A"`] })
  assert.equal(stdout, value)
})
