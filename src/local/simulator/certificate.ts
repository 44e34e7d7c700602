/**
 * The self-signed TLS certificate of the local servers, made afresh by the openssl command at every start. It is its
 * own authority: a role trusts it because `FANFARE_*_CA` names it, so nothing is ever verified less than in production.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Certificate {
  keyPem: string
  certificatePem: string
}

const validityDays = 30
const opensslTimeoutMs = 20_000
const run = promisify(execFile)

/**
 * @param names host names and IPv4 addresses that the certificate is good for.
 * @throws if openssl is missing or fails, naming what to install.
 */
export async function createCertificate(names: readonly string[]): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-certificate-'))
  const keyFile = join(folder, 'key.pem')
  const certificateFile = join(folder, 'certificate.pem')
  const alternatives = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',')
  const request = ['req', '-x509', '-nodes', '-days', String(validityDays), '-subj', '/CN=fanfare-simulator']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-keyout', keyFile]
  const output = ['-addext', `subjectAltName=${alternatives}`, '-out', certificateFile]
  try {
    await run('openssl', [...request, ...key, ...output], { timeout: opensslTimeoutMs })
    return { keyPem: await readFile(keyFile, 'utf8'), certificatePem: await readFile(certificateFile, 'utf8') }
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const what = missing ? 'needs the openssl command (Debian: apt-get install openssl)' : 'could not run openssl'
    throw new Error(`The provider simulator ${what} to make its TLS certificate.`, { cause: error })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
