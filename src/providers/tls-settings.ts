/**
 * The settings that providers with a TLS endpoint share: another host than the vendor's, and whom to trust there.
 */
import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { inlineOrFile } from './inline-or-file.ts'

/** `https://host:port`: the simulator, or a proxy that speaks the provider's protocol. */
export const tlsEndpoint = z
  .url({ protocol: /^https$/ })
  .refine((text) => !URL.canParse(text) || new URL(text).pathname === '/', 'expected no path')
  .transform((text) => {
    const { hostname, port } = new URL(text)
    // WHATWG URLs put IPv6 addresses into brackets, sockets want them without.
    return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? 443 : Number(port) }
  })

/** The certificate authorities to trust instead of the public ones. */
export const authorityPem = inlineOrFile({
  beginning: '-----BEGIN',
  expectation: 'certificates as PEM',
  check: (text) => {
    try {
      return new X509Certificate(text).subject !== undefined
    } catch {
      return false
    }
  },
})
