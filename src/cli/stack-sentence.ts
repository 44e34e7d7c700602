/**
 * What a starting stack reports, in words for a terminal.
 */
import type { StackEvent } from '../local/stack/stack-event.ts'

export function stackSentence(event: StackEvent): string {
  switch (event.kind) {
    case 'installing':
      return `installing what is missing: ${event.command}`
    case 'downloading':
      return `downloading ${event.artifact}`
    case 'fetched':
      return `  ${event.file}`
    case 'starting':
      return `starting ${event.part}`
    case 'port-taken':
      return `${event.part}: another process took its port, trying the next`
    case 'ready':
      return `${event.part} ready after ${(event.elapsedMs / 1000).toFixed(1)} s`
    case 'died':
      return `${event.part} died, see ${event.logFile}`
  }
}
