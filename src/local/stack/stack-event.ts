/**
 * What a stack tells its owner while it starts and runs. The stack prints nothing: a command line shows these, a test
 * run may drop them.
 */
export const partNames = ['kafka', 'registry', 'postgres', 'redis'] as const

export type PartName = (typeof partNames)[number]

export type StackEvent =
  /** A package manager is about to run, as the command says. */
  | { kind: 'installing'; command: string }
  | { kind: 'downloading'; artifact: string }
  /** One file of an artifact has arrived. */
  | { kind: 'fetched'; artifact: string; file: string }
  | { kind: 'starting'; part: PartName }
  /** Another process took the port that was chosen; the part starts again on another. */
  | { kind: 'port-taken'; part: PartName; attempt: number }
  | { kind: 'ready'; part: PartName; elapsedMs: number }
  /** A part that was ready ended without being asked to. */
  | { kind: 'died'; part: PartName; code: number | null; signal: NodeJS.Signals | null; logFile: string }

export type OnStackEvent = (event: StackEvent) => void
