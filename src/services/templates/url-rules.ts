/**
 * Where a template may lead people. Data may fill in a path or a query and never the scheme or the host: whoever can
 * write an event must not be able to send our readers elsewhere.
 */

/** `https://` and a host with a dot, both written out. */
const webAddressForm = /^https:\/\/[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?([/?#]|$)/i
const schemeForm = /^([a-z][a-z0-9+.-]*):/i
/** What runs code or reads the device, and what anybody on the way can read. */
const refusedSchemes = ['javascript', 'data', 'vbscript', 'file', 'blob', 'http']
/** Links of an email that lead to no host. */
const hostlessForm = /^(mailto:|tel:|sms:|#)/i
/** Of what a URL cannot hold: it came from data that was not encoded. */
const notInUrl = /[\s<>"'`{}|\\^]/

export const webAddressExpectation = 'a URL that begins with https:// and a host, both without liquid'
export const appAddressExpectation =
  'a URL that begins with a scheme of the app, or with https:// and a host, without liquid'

/** @param url with liquid in it, as the author wrote it. */
export function isWebAddress(url: string): boolean {
  return webAddressForm.test(url)
}

/** As `isWebAddress`, or with a scheme that an app registered. */
export function isAppAddress(url: string): boolean {
  const scheme = schemeForm.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined || refusedSchemes.includes(scheme)) return false
  return scheme === 'https' ? isWebAddress(url) : true
}

/**
 * What the sender fills in whole. The call to action was looked at where it is written; the others lead to the edge.
 */
const givenForm = /^\{\{-?\s*(call_to_action\.url|unsubscribe_url|preferences_url)\s*-?\}\}$/

/** A link of an email: `isWebAddress`, one that leads to no host, or one that the sender fills in. */
export function isEmailLink(url: string): boolean {
  return isWebAddress(url) || hostlessForm.test(url) || givenForm.test(url)
}

/** @param url as rendered. */
export function isEncoded(url: string): boolean {
  return !notInUrl.test(url) && URL.canParse(url)
}
