/**
 * Choices by chance, from one source of randomness that a printed number brings back.
 */
export interface Choices {
  /** From 0 to below 1. */
  random(): number
  chance(probability: number): boolean
  /** Both ends may come. */
  integer(from: number, to: number): number
  pick<Item>(items: readonly Item[]): Item
  /** Each with the same probability, in their order. */
  some<Item>(items: readonly Item[], probability: number): Item[]
  uuid(): string
}

export function createChoices(random: () => number): Choices {
  const integer = (from: number, to: number) => from + Math.floor(random() * (to - from + 1))
  const chance = (probability: number) => random() < probability
  const hex = (digits: number) => Array.from({ length: digits }, () => integer(0, 15).toString(16)).join('')
  return {
    random,
    chance,
    integer,
    pick: <Item>(items: readonly Item[]) => {
      if (items.length === 0) throw new Error('nothing to pick from')
      return items[integer(0, items.length - 1)] as Item
    },
    some: (items, probability) => items.filter(() => chance(probability)),
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`,
  }
}
