/** Finds a Java that runs Kafka and the registry, and knows the flags that let both start fast. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Kafka 4 brokers refuse to run on less. */
export const OLDEST_JAVA_VERSION = 17

/** Where Debian and most other distributions put them. */
const JAVA_HOMES_DIRECTORY = '/usr/lib/jvm'

export interface Java {
  /** Absolute path of the program. */
  program: string
  majorVersion: number
}

/**
 * The first that is new enough: the one in `JAVA_HOME`, the one on the path, any in the system's folder. Undefined when
 * all are too old or there is none. (Newer ones start the stack no faster: 4 to 5 s on 17 as on 25.)
 */
export function findJava(places: { javaHome: string | undefined; onPath: string | undefined }): Java | undefined {
  const homes = existsSync(JAVA_HOMES_DIRECTORY) ? readdirSync(JAVA_HOMES_DIRECTORY) : []
  const programs = [
    ...(places.javaHome === undefined ? [] : [join(places.javaHome, 'bin', 'java')]),
    ...(places.onPath === undefined ? [] : [places.onPath]),
    ...homes.map((home) => join(JAVA_HOMES_DIRECTORY, home, 'bin', 'java')),
  ]
  for (const program of programs) {
    const java = readJava(program)
    if (java !== undefined && java.majorVersion >= OLDEST_JAVA_VERSION) return java
  }
  return undefined
}

/** The simple compiler and collector cost less at the start, which is most of a test stack's life. */
export function javaFlags(machine: { heapMebibytes: number; temporaryDirectory: string }): string[] {
  return [
    `-Xmx${machine.heapMebibytes}m`,
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-XX:+ExitOnOutOfMemoryError',
    // Both leave files in the system's temporary folder behind when the process is killed.
    '-XX:-UsePerfData',
    `-Djava.io.tmpdir=${machine.temporaryDirectory}`,
  ]
}

function readJava(program: string): Java | undefined {
  if (!existsSync(program)) return undefined
  const majorVersion = parseJavaVersion(readRelease(realpathSync(program)) ?? askVersion(program))
  return majorVersion === undefined ? undefined : { program, majorVersion }
}

/** The `release` file beside every Java since 9; asking the program itself would start it. */
function readRelease(program: string): string | undefined {
  const release = join(dirname(dirname(program)), 'release')
  return existsSync(release) ? /^JAVA_VERSION=(.*)$/m.exec(readFileSync(release, 'utf8'))?.[1] : undefined
}

function askVersion(program: string): string {
  try {
    return execFileSync(program, ['--version'], { encoding: 'utf8' })
  } catch {
    return ''
  }
}

/** `"17.0.15"`, `openjdk 25.0.3 2026-04-21` or `"1.8.0_392"` as 17, 25 and 8. */
export function parseJavaVersion(text: string): number | undefined {
  const [, first, second] = /(\d+)(?:\.(\d+))?/.exec(text) ?? []
  if (first === undefined) return undefined
  return first === '1' && second !== undefined ? Number(second) : Number(first)
}
