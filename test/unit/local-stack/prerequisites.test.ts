import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ensurePrerequisites,
  type Prerequisite,
  requireSupportedPlatform,
  type System,
} from '../../../src/local/stack/prerequisites.ts'
import { StackFault } from '../../../src/local/stack/stack-fault.ts'

const programs = ['apt-get', 'mvn', 'redis-server', 'setpriv', 'chromium', 'prometheus', 'promtool']

function systemWithout(missing: readonly string[], differences: Partial<System> = {}): System {
  return {
    platform: 'linux',
    architecture: 'x64',
    isRoot: true,
    find: (program) => (programs.includes(program) && !missing.includes(program) ? `/bin/${program}` : undefined),
    findJava: () => (missing.includes('java') ? undefined : { program: '/bin/java', majorVersion: 17 }),
    ...differences,
  }
}

async function faultFor(system: System, needed: readonly Prerequisite[]): Promise<StackFault> {
  const options = { environment: {}, logFile: '/dev/null', onEvent: () => undefined }
  try {
    await ensurePrerequisites({ ...options, needed, system, mayInstall: false })
  } catch (error) {
    assert.ok(error instanceof StackFault)
    return error
  }
  return assert.fail('nothing was found missing')
}

describe('the prerequisites of the local stack', () => {
  const commands: Array<[Prerequisite, string, string]> = [
    ['java', 'java', 'apt-get install -y --no-install-recommends default-jre-headless'],
    ['maven', 'mvn', 'apt-get install -y --no-install-recommends maven'],
    ['redis-server', 'redis-server', 'apt-get install -y --no-install-recommends redis-server'],
    ['setpriv', 'setpriv', 'apt-get install -y --no-install-recommends util-linux'],
    ['chromium', 'chromium', 'apt-get install -y --no-install-recommends chromium'],
    ['prometheus', 'promtool', 'apt-get install -y --no-install-recommends prometheus'],
  ]
  for (const [prerequisite, program, command] of commands) {
    test(`name ${prerequisite} and the command that brings it`, async () => {
      const all = commands.map(([each]) => each)
      const fault = await faultFor(systemWithout([program]), all)
      assert.equal(fault.code, 'prerequisite_missing')
      assert.ok(fault.message.endsWith(`install with: ${command}`), fault.message)
    })
  }

  test('are named all at once, with sudo for a user who is not root', async () => {
    const fault = await faultFor(systemWithout(['java', 'redis-server'], { isRoot: false }), ['java', 'redis-server'])
    assert.equal(
      fault.message,
      'missing: Java 17 or newer, redis-server; install with: ' +
        'sudo apt-get install -y --no-install-recommends default-jre-headless redis-server',
    )
  })

  test('are asked for only when they are needed', async () => {
    const needed: Prerequisite[] = ['java', 'redis-server', 'setpriv']
    const options = { needed, environment: {}, logFile: '/dev/null', mayInstall: false, onEvent: () => assert.fail() }
    await ensurePrerequisites({ ...options, system: systemWithout(['mvn', 'apt-get']) })
  })

  test('are not installed by a user who is not root, allowed or not', async () => {
    const system = systemWithout(['redis-server'], { isRoot: false })
    const options = { environment: {}, logFile: '/dev/null', mayInstall: true, onEvent: () => assert.fail() }
    await assert.rejects(ensurePrerequisites({ ...options, needed: ['redis-server'], system }), {
      code: 'prerequisite_missing',
    })
  })

  test('cannot make up for another kind of machine: docker compose is named instead', () => {
    for (const machine of [{ platform: 'darwin' }, { architecture: 'riscv64' }]) {
      assert.throws(
        () => requireSupportedPlatform(systemWithout([], machine)),
        (error: unknown) =>
          error instanceof StackFault &&
          error.code === 'unsupported_platform' &&
          error.message.includes('docker compose up'),
      )
    }
    requireSupportedPlatform(systemWithout([], { architecture: 'arm64' }))
  })
})
