/**
 * Turns the first SIGTERM or SIGINT into an abort. A second one ends the process at once: whoever presses Ctrl-C twice does
 * not want to wait for a drain.
 *
 * It ends explicitly. Left to the default, the second signal would do nothing where the process is the first of its
 * container, for the kernel keeps from process 1 what it has no handler for.
 */
import { constants } from 'node:os'

const signals = ['SIGTERM', 'SIGINT'] as const
/** What shells add to the number of the signal that ended a process. */
const signalExitBase = 128

/** Listens from the call on; once per process. */
export function shutdownSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of signals) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(signalExitBase + constants.signals[signal])
      controller.abort()
    })
  }
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
