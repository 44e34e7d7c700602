/**
 * The demo's running commentary: each line with the time since the process began, and what each phase took.
 */
export interface Phases {
  /** One line. */
  say(text: string): void
  /** Says the sentence, does the work, and keeps how long it took under the name. */
  run<Result>(phase: { name: string; sentence: string }, work: () => Promise<Result>): Promise<Result>
  /** `stack 4.1 s, contracts 0.9 s, …` */
  summary(): string
}

export function createPhases(write: (text: string) => void): Phases {
  const took: string[] = []
  const say = (text: string) => write(`${secondsText(performance.now()).padStart(8)}  ${text}\n`)

  const run: Phases['run'] = async ({ name, sentence }, work) => {
    const startMs = performance.now()
    say(sentence)
    try {
      return await work()
    } finally {
      took.push(`${name} ${secondsText(performance.now() - startMs)}`)
    }
  }

  return { say, run, summary: () => took.join(', ') }
}

export function secondsText(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
