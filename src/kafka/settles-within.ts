/**
 * The bound of every wait at start and stop: a promise that does not settle in time is left to itself.
 */

/**
 * @param work its result or failure is for others to see.
 * @returns whether it settled, in either way, within the limit. Never rejects.
 */
export async function settlesWithin(limitMs: number, work: Promise<unknown>): Promise<boolean> {
  const limit = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => limit.resolve(false), limitMs)
  const settled = work.then(
    () => true,
    () => true,
  )
  try {
    return await Promise.race([settled, limit.promise])
  } finally {
    clearTimeout(timer)
  }
}
