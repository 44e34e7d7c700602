/**
 * Turns the first SIGTERM or SIGINT into an abort, and leaves the second one to Node, which ends the process at once:
 * whoever presses Ctrl-C twice does not want to wait for a drain.
 */
const signals = ['SIGTERM', 'SIGINT'] as const

/** Listens from the call on; once per process. */
export function shutdownSignal(): AbortSignal {
  const controller = new AbortController()
  const abort = () => {
    for (const signal of signals) process.off(signal, abort)
    controller.abort()
  }
  for (const signal of signals) process.on(signal, abort)
  return controller.signal
}

/** Resolves once the signal has aborted. Keeps the process alive meanwhile. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    // Signal handlers alone do not hold the event loop open.
    const hold = setInterval(() => {}, 2 ** 30)
    signal.addEventListener('abort', () => {
      clearInterval(hold)
      resolve()
    })
  })
}
