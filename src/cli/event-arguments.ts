/**
 * The parts of an event as a person writes them on a command line.
 *
 * `--data name=value` is text. `--data name:=json` is anything that template data may hold: a number, a boolean, null,
 * or a list of flat objects.
 */
import { InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { isRequestChannel, requestChannels, type RequestChannel } from '../domain/channel.ts'
import type { TemplateData } from '../domain/notification.ts'

const scalar = z.union([z.null(), z.boolean(), z.number(), z.string()])
const value = z.union([scalar, z.array(z.record(z.string(), scalar))])

/** Adds one `name=value` or `name:=json` to what was given before; for commander, which calls it for each. */
export function dataArgument(given: string, before: TemplateData): TemplateData {
  const match = /^([\p{L}_][\p{L}\p{N}_-]*)(:?)=(.*)$/su.exec(given)
  const [, name, colon, text] = match ?? []
  if (name === undefined || text === undefined) {
    throw new InvalidArgumentError('It must be name=text or name:=json.')
  }
  return { ...before, [name]: colon === ':' ? jsonValue(text) : text }
}

function jsonValue(text: string): TemplateData[string] {
  try {
    return value.parse(JSON.parse(text))
  } catch {
    throw new InvalidArgumentError(
      'After := must be JSON: a number, true, false, null, text or a list of flat objects.',
    )
  }
}

/** `push,email` → both. */
export function channelsArgument(given: string): RequestChannel[] {
  const words = given.split(',').map((word) => word.trim())
  if (words.every(isRequestChannel)) return words
  throw new InvalidArgumentError(`It must be some of ${requestChannels.join(', ')}, separated by commas.`)
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90s`, `10m`, `2h`, `1d` → milliseconds. */
export function durationArgument(given: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(given)
  // The pattern lets nothing else through.
  if (match !== null) return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
  throw new InvalidArgumentError('It must be a number with its unit: 90s, 10m, 2h or 1d.')
}
