/**
 * The migrations of this version: the files of migrations/, in their order.
 */
import { readdir } from 'node:fs/promises'

/** Beside src/, in the checkout and in a build alike. */
export const migrationsFolder = new URL('../../migrations/', import.meta.url)

const migrationFile = /^\d{4}-[a-z0-9-]+\.(ts|js)$/

export async function migrationFiles(): Promise<string[]> {
  const files = await readdir(migrationsFolder)
  return files.filter((file) => migrationFile.test(file)).toSorted()
}

/** Without the extension, so that a database migrated by the sources fits a compiled build. */
export function migrationNameOf(file: string): string {
  return file.replace(/\.(ts|js)$/, '')
}
