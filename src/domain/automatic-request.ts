/**
 * Whether a machine fetched a pixel or a link and no person: as far as a request tells.
 *
 * It errs to "a person": a machine that looks like a browser counts as one. What is told to be a machine is still
 * reported, and marked.
 */
export interface RequestTraits {
  method: string
  /** Lower-case names. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Headers by which a browser or a mail program says that nobody has asked for it yet. */
const prefetchHeaders = ['purpose', 'sec-purpose', 'x-purpose', 'x-moz'] as const
const prefetchWords = /\b(prefetch|preview|prerender)\b/i

/**
 * Apple's Mail Privacy Protection fetches every image of every mail, opened or not, and calls itself exactly this: no
 * browser is as short.
 */
const applePrivacyProxy = 'Mozilla/5.0'

/** Link scanners, previews of chat programs, crawlers and libraries, as they call themselves. */
const machines =
  /bot\b|crawl|spider|preview|scan|monitor|headless|facebookexternalhit|whatsapp|kakaotalk-scrap|barracuda|mimecast|proofpoint|symantec|trendmicro|curl\/|wget\/|python|java\/|go-http-client|libwww|axios|node-fetch|undici|httpclient/i

export function isAutomatic({ method, headers }: RequestTraits): boolean {
  if (method === 'HEAD') return true
  if (prefetchHeaders.some((name) => prefetchWords.test(textOf(headers[name])))) return true
  const userAgent = textOf(headers['user-agent']).trim()
  return userAgent === '' || userAgent === applePrivacyProxy || machines.test(userAgent)
}

function textOf(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' ? value : (value ?? []).join(' ')
}
