/**
 * Folders of templates on this machine: found, read, and compiled to what can be published.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, relative, resolve, sep } from 'node:path'
import { compileTemplate, type CompiledTemplate } from '../services/templates/compile.ts'
import { faultLine, type TemplateFault } from '../services/templates/template-fault.ts'
import { templateFile, type TemplateFiles } from '../services/templates/template-source.ts'

/** Enough for three parts in a hundred locales; more is not a template but a mistaken path. */
const filesMax = 500

export type SoundTemplate = Extract<CompiledTemplate, { kind: 'compiled' }>

/** Every fault of every template at once. The message is fit for a terminal: one line each. */
class TemplateFaults extends Error {
  override readonly name = 'TemplateFaults'
}

/** Whether there is a template right in this folder. */
export function isTemplateFolder(path: string): boolean {
  return existsSync(join(path, templateFile))
}

/**
 * The template in the folder, or those in the folders in it.
 * @throws TemplateFaults where one of them cannot be published, Error where there is none.
 */
export async function compileFolder(path: string): Promise<SoundTemplate[]> {
  const sound: SoundTemplate[] = []
  const faults: string[] = []
  for (const folder of templateFolders(path)) {
    const compiled = await compileTemplate(basename(resolve(folder)), readFiles(folder))
    if (compiled.kind === 'compiled') sound.push(compiled)
    else faults.push(...compiled.faults.map((fault) => faultLine(inFolder(fault, folder))))
  }
  if (faults.length > 0) {
    const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`
    throw new TemplateFaults(`the templates have ${count}\n${faults.join('\n')}`)
  }
  return sound
}

/** As the person who called sees the file. */
function inFolder(fault: TemplateFault, folder: string): TemplateFault {
  return { ...fault, file: join(folder, fault.file) }
}

function templateFolders(path: string): string[] {
  if (!existsSync(path) || !statSync(path).isDirectory()) throw new Error(`there is no folder ${path}`)
  if (isTemplateFolder(path)) return [path]
  const folders = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => join(path, entry.name))
  if (!folders.some(isTemplateFolder)) throw new Error(`no ${templateFile} in ${path}, nor in a folder in it`)
  return folders.toSorted()
}

function readFiles(folder: string): TemplateFiles {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
  if (paths.length > filesMax) throw new Error(`${folder} has more than ${filesMax} files`)
  return new Map(paths.map((path) => [relative(folder, path).replaceAll(sep, '/'), readFileSync(path, 'utf8')]))
}
