/**
 * An edge without anything behind it: people in memory, reports in a list. Tests replace what they are about.
 */
import { createHmac } from 'node:crypto'
import { messageLinksOf, type LinkedDelivery } from '../../../src/domain/message-links.ts'
import type { PreferenceChanges, Preferences } from '../../../src/domain/preferences.ts'
import type { ProviderFeedback } from '../../../src/domain/provider-feedback.ts'
import { deliveryIdOf } from '../../../src/domain/identity.ts'
import type { LinkKey, LinkSigning } from '../../../src/domain/signed-link.ts'
import { createHttpServer, type HttpServer, type RequestObservation } from '../../../src/http/server.ts'
import { registerEdgeRoutes } from '../../../src/services/edge/edge.ts'
import type { EdgeObservation, EdgePorts } from '../../../src/services/edge/ports.ts'
import { createLogger } from '../../../src/telemetry/log.ts'
import { createHash } from 'node:crypto'

export const edgeUrl = 'https://links.example.com'
/** 2026-03-01. */
export const edgeNowMs = Date.UTC(2026, 2, 1, 12)

export function linkKey(id: number): LinkKey {
  return { id, secret: Buffer.alloc(32, id) }
}

export function linkSigning(...[first, ...others]: [LinkKey, ...LinkKey[]] | []): LinkSigning {
  return {
    keys: [first ?? linkKey(1), ...others],
    mac: (secret, message) => createHmac('sha256', secret).update(message).digest(),
  }
}

/** The id of a delivery whose event was made then. */
export function deliveryIdAt(createdAtMs: number, notificationId = 'n'): string {
  const identity = { createdAtMs, source: 'shop', notificationId, channel: 'email', deviceId: null }
  return deliveryIdOf(identity, (input) => createHash('sha256').update(input).digest())
}

function linkedDelivery(choices: Partial<LinkedDelivery> = {}): LinkedDelivery {
  return { deliveryId: deliveryIdAt(edgeNowMs - 60_000), userId: 17, category: 'weekly-offers', ...choices }
}

export function linksOf(choices: Partial<LinkedDelivery> = {}, signing = linkSigning()) {
  return messageLinksOf(linkedDelivery(choices), { edgeUrl, signing })
}

export function preferences(choices: Partial<Preferences> = {}): Preferences {
  const all = { push: true, sms: true, email: true }
  return {
    channelOptIns: all,
    categories: [
      { name: 'login-code', titles: { en: 'Login codes', ko: '로그인 인증번호' }, mandatory: true, optIns: all },
      { name: 'weekly-offers', titles: { en: 'Weekly offers', ko: '주간 추천' }, mandatory: false, optIns: all },
    ],
    locale: 'en',
    timeZone: 'Europe/Berlin',
    quietHours: null,
    ...choices,
  }
}

export interface TestEdge {
  server: HttpServer
  /** What went into the buffer. */
  offered: ProviderFeedback[]
  optedOut: { userId: number; category: string; channel: string }[]
  saved: { userId: number; changes: PreferenceChanges }[]
  forgotten: [userId: number, version: number][]
  observed: EdgeObservation[]
  requests: RequestObservation[]
}

export async function testEdge(choices: Partial<EdgePorts> = {}): Promise<TestEdge> {
  const edge: Omit<TestEdge, 'server'> = {
    offered: [],
    optedOut: [],
    saved: [],
    forgotten: [],
    observed: [],
    requests: [],
  }
  const server = await createHttpServer({
    log: createLogger({ role: 'edge', level: 'silent' }),
    bodyLimitBytes: 64 * 1024,
    trustedProxies: 0,
    observe: (observation) => edge.requests.push(observation),
  })
  registerEdgeRoutes(server, {
    links: linkSigning(),
    feedback: {
      offer: (feedback) => {
        edge.offered.push(feedback)
        return 'taken'
      },
    },
    people: {
      load: () => Promise.resolve(preferences()),
      optOutOfCategory: (optOut) => {
        edge.optedOut.push(optOut)
        return Promise.resolve({ version: 5 })
      },
      save: (userId, changes) => {
        edge.saved.push({ userId, changes })
        return Promise.resolve({ version: 5 })
      },
    },
    forgetProfile: (userId, version) => {
      edge.forgotten.push([userId, version])
      return Promise.resolve()
    },
    webhooks: {
      webhooks: [],
      publicUrl: edgeUrl,
      receipts: { isKept: () => Promise.resolve(false), keep: () => Promise.resolve() },
      publish: () => Promise.resolve(),
      sha256: (input) => createHash('sha256').update(input).digest(),
      now: () => edgeNowMs,
      observe: () => {},
    },
    now: () => edgeNowMs,
    observe: (observation) => edge.observed.push(observation),
    ...choices,
  })
  await server.ready()
  return { server, ...edge }
}

/** A URL of ours as the server sees it. */
export function pathOf(url: string): string {
  return url.slice(edgeUrl.length)
}
