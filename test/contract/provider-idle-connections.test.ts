import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import type { MessageOf } from '../../src/domain/message.ts'
import type { Outcome, OutgoingMessage, Provider } from '../../src/domain/provider.ts'
import { sendgridSettings } from '../../src/providers/sendgrid/config.ts'
import { createSendgridProvider } from '../../src/providers/sendgrid/provider.ts'
import { twilioSettings } from '../../src/providers/twilio/config.ts'
import { createTwilioProvider } from '../../src/providers/twilio/provider.ts'

const announcedIdleSeconds = 2

/**
 * A server that accepts every message, and announces that it ends connections which are idle for some time.
 * @returns who ended the connection of the one message that the use sends.
 */
async function whoEndsTheConnection(use: (endpoint: string) => Promise<void>): Promise<'caller' | 'server'> {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      const twilio = request.url?.startsWith('/2010-04-01/') === true
      response.writeHead(twilio ? 201 : 202, { 'content-type': 'application/json', 'x-message-id': randomUUID() })
      response.end(twilio ? JSON.stringify({ sid: `SM${'0'.repeat(32)}`, status: 'queued' }) : '')
    })
  })
  server.keepAliveTimeout = announcedIdleSeconds * 1_000
  const ended = Promise.withResolvers<'caller' | 'server'>()
  server.on('connection', (socket) => {
    socket.on('end', () => ended.resolve('caller'))
    socket.on('close', () => ended.resolve('server'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    return await ended.promise
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

function toSomeone<Message extends MessageOf<'sms'> | MessageOf<'email'>>(message: Message, address: string) {
  return { deliveryId: randomUUID(), address, message, expiresAt: Date.now() + 60_000, collapseKey: null }
}

const providers: Record<string, (endpoint: string) => { send(): Promise<Outcome[]> }> = {
  sendgrid: (endpoint) => {
    const settings = sendgridSettings.parse({ apiKey: 'SG.key', from: 'shop@example.com', endpoint })
    const message = {
      kind: 'email',
      subject: 'Back',
      text: 'Back',
      html: '<p>Back</p>',
      headers: {},
      tracked: false,
    } as const
    return sending(createSendgridProvider(settings, { now: Date.now }), toSomeone(message, 'reader@example.com'))
  },
  twilio: (endpoint) => {
    const from = '+15005550006'
    const settings = twilioSettings.parse({ accountSid: `AC${'0'.repeat(32)}`, authToken: 'token', from, endpoint })
    const message = { kind: 'sms', body: 'Back', segments: 1 } as const
    return sending(createTwilioProvider(settings, { now: Date.now }), toSomeone(message, '+14155552671'))
  },
}

function sending<Kind extends 'sms' | 'email'>(provider: Provider<Kind>, message: OutgoingMessage<Kind>) {
  return { send: () => provider.send([message], AbortSignal.timeout(5_000)) }
}

describe('a connection that the provider will close', () => {
  for (const [name, create] of Object.entries(providers)) {
    // Regression: after a pause the first mails were written to connections that were being closed, and nobody could
    // tell what became of them.
    test(`is closed by ${name} before that`, async () => {
      const ender = await whoEndsTheConnection(async (endpoint) => {
        const [outcome] = await create(endpoint).send()
        assert.equal(outcome?.kind, 'accepted')
      })
      assert.equal(ender, 'caller')
    })
  }
})
