/**
 * Language tags, wherever they come in: BCP 47 as Unicode's locale data knows its form.
 */

/** Whether it is well-formed (`ko`, `ko-KR`, `zh-Hant-TW`); what nobody speaks falls back like any other. */
export function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1
  } catch {
    return false
  }
}
