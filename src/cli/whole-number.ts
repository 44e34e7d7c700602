/**
 * Whole numbers as arguments of commands.
 */
import { InvalidArgumentError } from 'commander'

/** A parser for commander that takes digits within the bounds, both included. */
export function wholeNumberArgument(min: number, max: number): (given: string) => number {
  return (given) => {
    const number = /^\d{1,16}$/.test(given) ? Number(given) : Number.NaN
    if (number >= min && number <= max) return number
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }
}
