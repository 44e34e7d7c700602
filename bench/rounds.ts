/**
 * Rounds of several variants, and what they come to. A machine is never the same twice, so variants are compared within
 * a round, in an order that rotates, and the median of the rounds stands with its extremes.
 */
export interface Spread {
  median: number
  min: number
  max: number
}

/** Every variant once in each round; each round begins with the next of them. Results by variant, in rounds' order. */
export async function inRotation<Variant extends string, Result>(
  variants: readonly Variant[],
  rounds: number,
  measure: (variant: Variant, round: number) => Promise<Result>,
): Promise<Record<Variant, Result[]>> {
  const results = Object.fromEntries(variants.map((variant) => [variant, []])) as unknown as Record<Variant, Result[]>
  for (let round = 0; round < rounds; round += 1) {
    const first = round % variants.length
    for (const variant of [...variants.slice(first), ...variants.slice(0, first)]) {
      results[variant].push(await measure(variant, round))
    }
  }
  return results
}

/** @param values at least one. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (place: number) => sorted[place] ?? Number.NaN
  const middle = (sorted.length - 1) / 2
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, min: at(0), max: at(sorted.length - 1) }
}
