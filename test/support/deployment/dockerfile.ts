/**
 * The Dockerfile as its instructions, stage by stage.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectFolder } from './overlays.ts'

export interface Instruction {
  /** In capitals: `RUN` */
  name: string
  /** The rest, continued lines put together. */
  value: string
}

export interface Stage {
  /** An image, or the name of an earlier stage. */
  from: string
  name: string
  instructions: readonly Instruction[]
}

export const dockerfile = readFileSync(join(projectFolder, 'Dockerfile'), 'utf8')

export function readStages(): Stage[] {
  const instructions = dockerfile
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', value = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? []
      return { name, value: value.replaceAll(/\s+/g, ' ') }
    })
  const stages: { from: string; name: string; instructions: Instruction[] }[] = []
  for (const instruction of instructions) {
    if (instruction.name !== 'FROM') stages.at(-1)?.instructions.push(instruction)
    else {
      const [, from = '', name = ''] = /^(\S+) AS (\S+)$/.exec(instruction.value) ?? []
      stages.push({ from, name, instructions: [] })
    }
  }
  return stages
}

/** What is in force at the end of a stage, with what it inherits: the last one of a name. */
export function inForce(stages: readonly Stage[], stageName: string, instruction: string): string | undefined {
  const stage = stages.find(({ name }) => name === stageName)
  if (stage === undefined) return undefined
  const own = stage.instructions.findLast(({ name }) => name === instruction)
  return own?.value ?? inForce(stages, stage.from, instruction)
}

/** The words of an instruction in exec form. Throws where it is in shell form. */
export function execForm(value: string | undefined): string[] {
  return JSON.parse((value ?? '').replace(/^.*?CMD (?=\[)/, '')) as string[]
}
