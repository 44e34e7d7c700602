/**
 * Draws that look random and are a function of their names: the same names draw the same again, on every machine and
 * whatever was drawn under other names. So a person's data does not depend on how many others are seeded.
 */
import { createHash } from 'node:crypto'

export interface Draws {
  /** True for about this share of all names; between 0 and 1. */
  chance(share: number): boolean
  /** A whole number from 0 to below the limit. */
  below(limit: number): number
  pick<Choice>(choices: readonly [Choice, ...Choice[]]): Choice
  bytes(count: number): Buffer
}

const drawBytes = 6
const drawRange = 2 ** (8 * drawBytes)

/** @param names in their order; ('a', 1) and ('a1') draw differently. */
export function createDraws(...names: readonly (string | number)[]): Draws {
  const name = JSON.stringify(names)
  let block = 0
  let pool = Buffer.alloc(0)

  function bytes(count: number): Buffer {
    while (pool.length < count) {
      const next = createHash('sha256').update(`${name}${block}`).digest()
      block += 1
      pool = Buffer.concat([pool, next])
    }
    const drawn = pool.subarray(0, count)
    pool = pool.subarray(count)
    return drawn
  }

  /** From 0 to below 1. */
  const share = () => bytes(drawBytes).readUIntBE(0, drawBytes) / drawRange
  const below = (limit: number) => Math.floor(share() * limit)

  return {
    chance: (of) => share() < of,
    below,
    pick: (choices) => choices[below(choices.length)] ?? choices[0],
    bytes,
  }
}
