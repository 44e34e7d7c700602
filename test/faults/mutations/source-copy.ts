/**
 * Copies of the source to be mutated: the files of the working tree as they are, uncommitted changes included.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Mutation } from './mutations.ts'

export interface SourceCopies {
  /** As the working tree was when this was opened. */
  readonly unmutated: string
  /** A copy with the mutation's edits; throws where one of them does not apply. */
  mutated(mutation: Mutation): string
  remove(): void
}

/** @param project whose packages and downloads the copies share. */
export function openSourceCopies(project: string): SourceCopies {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-mutations-'))
  const unmutated = join(folder, 'unmutated')
  for (const file of filesOf(project)) cpSync(join(project, file), join(unmutated, file))
  share(project, unmutated)
  return {
    unmutated,
    mutated: (mutation) => {
      const copy = join(folder, mutation.name.replaceAll(/\W+/g, '-'))
      cpSync(unmutated, copy, { recursive: true, verbatimSymlinks: true })
      applyMutation(copy, mutation)
      return copy
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** What git tracks or would track; a file that is deleted in the working tree is still listed. */
function filesOf(project: string): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: project,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  return [...new Set(listed.split('\0'))].filter((file) => file !== '' && existsSync(join(project, file)))
}

/** Packages, and the downloads of the stack that a copy's tests start. */
function share(project: string, copy: string): void {
  symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'))
  mkdirSync(join(project, '.fanfare/cache'), { recursive: true })
  mkdirSync(join(copy, '.fanfare'))
  symlinkSync(join(project, '.fanfare/cache'), join(copy, '.fanfare/cache'))
}

/** Edits the files below the folder. Throws, with nothing written, where the text of an edit is not there exactly once. */
export function applyMutation(folder: string, mutation: Pick<Mutation, 'name' | 'edits'>): void {
  for (const [file, text] of mutatedFiles(folder, mutation)) writeFileSync(join(folder, file), text)
}

/** The files that the mutation changes, with their new texts. */
export function mutatedFiles(folder: string, { name, edits }: Pick<Mutation, 'name' | 'edits'>): Map<string, string> {
  const texts = new Map<string, string>()
  for (const { file, find, replace } of edits) {
    const text = texts.get(file) ?? readFileSync(join(folder, file), 'utf8')
    const found = text.split(find).length - 1
    if (found !== 1) {
      throw new Error(
        `the mutation “${name}” looks for a text that ${file} has ${found} times instead of once:\n${find}`,
      )
    }
    // As a function: a replacement text has patterns of its own.
    texts.set(
      file,
      text.replace(find, () => replace),
    )
  }
  return texts
}
