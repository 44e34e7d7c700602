/**
 * Lets a few requests through at a time. One that fails turns away all that wait: they would meet the same registry,
 * and a queue of requests that each run into their time-out would outlive whoever asked by minutes.
 */
export type Gate = <Value>(request: () => Promise<Value>) => Promise<Value>

export function createGate(concurrent: number): Gate {
  let running = 0
  const waiting: { enter(): void; turnAway(error: unknown): void }[] = []

  async function pass<Value>(request: () => Promise<Value>): Promise<Value> {
    if (running < concurrent) running += 1
    else {
      await new Promise<void>((enter, turnAway) => {
        waiting.push({ enter, turnAway })
      })
    }
    try {
      return await request()
    } catch (error) {
      for (const waiter of waiting.splice(0)) waiter.turnAway(error)
      throw error
    } finally {
      // The place is handed over and not given back first: whoever comes in between would make it one too many.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next.enter()
    }
  }

  return pass
}
