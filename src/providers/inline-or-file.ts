/**
 * Keys and certificates in settings: the text itself, or the path of a file that holds it, as secrets are mounted.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'

/**
 * A setting whose text is recognised by how it begins; anything else is a path and read at once.
 * Issues name the expectation and the error code of the file system, never the value: it may be a mangled secret.
 * @param expected.beginning what the text itself begins with, `-----BEGIN` or `{`.
 * @param expected.check whether the text is what it should be.
 */
export function inlineOrFile(expected: { beginning: string; expectation: string; check: (text: string) => boolean }) {
  return z.string().transform((value, context) => {
    const read = value.trimStart().startsWith(expected.beginning) ? { text: unescaped(value) } : readText(value)
    if ('code' in read) {
      context.addIssue(`expected ${expected.expectation}, inline or as the path of a file (${read.code})`)
      return z.NEVER
    }
    if (!expected.check(read.text)) {
      context.addIssue(`expected ${expected.expectation}`)
      return z.NEVER
    }
    return read.text
  })
}

/** Environment files hold one line a variable, so line breaks of a PEM often come as `\n`; JSON has them so anyway. */
function unescaped(value: string): string {
  return value.trimStart().startsWith('{') ? value : value.replaceAll('\\n', '\n')
}

function readText(path: string): { text: string } | { code: string } {
  try {
    return { text: readFileSync(path, 'utf8') }
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code ?? 'unreadable' }
  }
}
