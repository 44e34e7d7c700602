/**
 * What is wrong with a template's sources, in the words for the person who writes them: one line each.
 */
export interface TemplateFault {
  /** Relative to the template's folder: `en/push.yaml`. */
  file: string
  /** Where in the file: `callToAction.url`, `line 3, column 5`; undefined where the file as a whole is meant. */
  place?: string
  expectation: string
  received: string
}

export function faultLine({ file, place, expectation, received }: TemplateFault): string {
  return `${place === undefined ? file : `${file}, ${place}`}: expected ${expectation}, received ${received}`
}

/** A longer text is cut: a fault is one line. */
const shownLimit = 80

/** How a fault shows a value that an author wrote. */
export function shownValue(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > shownLimit ? `${text.slice(0, shownLimit)}…` : text
}

/** What liquid says, which names the line, without the excerpt below it. */
export function errorText({ message }: Error): string {
  const [first = ''] = message.split('\n')
  return first
}
