/**
 * One line that tells how far something is: rewritten in place on a terminal, and a line every two seconds where output
 * is kept, as in a CI's log.
 */
export interface ProgressLine {
  /** Shows the text if it is time for it. */
  update(text: string): void
  /** Shows the last text whatever the time, and ends the line. */
  end(): void
}

const keptIntervalMs = 2_000
const terminalIntervalMs = 100
const carriageReturnAndErase = '\r\u001b[K'

export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** @param now milliseconds that never go back. */
export function createProgressLine(
  output: ProgressOutput = process.stdout,
  now: () => number = () => performance.now(),
): ProgressLine {
  const onTerminal = output.isTTY === true
  const intervalMs = onTerminal ? terminalIntervalMs : keptIntervalMs
  // The first line of a kept log tells something only after a while.
  let shownAtMs = onTerminal ? -Infinity : now()
  let shown: string | undefined
  let latest: string | undefined

  function show(text: string): void {
    if (text === shown) return
    output.write(onTerminal ? `${carriageReturnAndErase}${text}` : `${text}\n`)
    shown = text
    shownAtMs = now()
  }

  return {
    update: (text) => {
      latest = text
      if (now() - shownAtMs >= intervalMs) show(text)
    },
    end: () => {
      if (latest === undefined) return
      show(latest)
      if (onTerminal) output.write('\n')
      latest = undefined
      shown = undefined
    },
  }
}
