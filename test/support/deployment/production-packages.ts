/**
 * What the lockfile installs for production: neither what develops and tests, nor what is optional.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { projectFolder } from './overlays.ts'

const lockedPackage = z.looseObject({
  dev: z.boolean().optional(),
  optional: z.boolean().optional(),
  devOptional: z.boolean().optional(),
})
const lockfile = z.looseObject({ packages: z.record(z.string(), lockedPackage) })
const manifest = z.looseObject({ devDependencies: z.unknown(), optionalDependencies: z.unknown() })

function readProject<Schema extends z.ZodType>(file: string, schema: Schema): z.output<Schema> {
  return schema.parse(JSON.parse(readFileSync(join(projectFolder, file), 'utf8')))
}

const isForProduction = ({ dev, optional, devOptional }: z.infer<typeof lockedPackage>) =>
  dev !== true && optional !== true && devOptional !== true

/** Paths such as `node_modules/pg`. */
export function productionPackages(): string[] {
  const { packages } = readProject('package-lock.json', lockfile)
  return Object.entries(packages)
    .filter(([path, locked]) => path !== '' && isForProduction(locked))
    .map(([path]) => path)
}

/** Writes package.json and package-lock.json as if the project had no other packages. */
export function writeProductionManifests(folder: string): void {
  const lock = readProject('package-lock.json', lockfile)
  const packages = Object.entries(lock.packages)
    .filter(([, locked]) => isForProduction(locked))
    .map(([path, locked]) => [path, path === '' ? withoutOthers(locked) : locked])
  const write = (file: string, content: unknown) => writeFileSync(join(folder, file), JSON.stringify(content))
  write('package-lock.json', { ...lock, packages: Object.fromEntries(packages) })
  write('package.json', withoutOthers(readProject('package.json', manifest)))
}

function withoutOthers(described: object): object {
  const others = ['devDependencies', 'optionalDependencies']
  return Object.fromEntries(Object.entries(described).filter(([key]) => !others.includes(key)))
}
