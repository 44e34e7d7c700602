/**
 * What the gateway's routes about people and the catalogue are wired with.
 */
import { randomBytes } from 'node:crypto'
import type { Configuration } from '../config.ts'
import { messageLinksOf } from '../domain/message-links.ts'
import type { OutgoingRecord } from '../domain/record.ts'
import { linkAgeLimitMs } from '../domain/signed-link.ts'
import { uuidV7 } from '../domain/uuid-v7.ts'
import { createCategoryCatalogue } from '../postgres/category-rules.ts'
import { readFunnel } from '../postgres/funnel.ts'
import { createPeople } from '../postgres/people.ts'
import { replaceSettings } from '../postgres/person-settings.ts'
import { listPublishedTemplates } from '../postgres/published-templates.ts'
import { listRegisteredDevices } from '../postgres/registered-devices.ts'
import { createSuppressionList } from '../postgres/suppression-list.ts'
import { loadTemplateVersion } from '../postgres/template-publication.ts'
import type { GatewayPorts } from '../services/gateway/gateway.ts'
import { writeThrough } from '../services/people/write-through.ts'
import { addressHasher, type DeliveryInfrastructure } from './infrastructure.ts'
import { linkMaking } from './link-keys.ts'
import { peoplePorts, type Redis } from './people.ts'

export type PeopleAndCataloguePorts = Omit<GatewayPorts, 'notifications'>

export interface GatewayPeopleParts {
  redis: Redis
  /** Of the suppression list. */
  hashKey: Uint8Array
  links: Configuration['links']
  publish(records: readonly OutgoingRecord[]): Promise<void>
}

export function peopleAndCataloguePorts(
  infrastructure: DeliveryInfrastructure,
  { redis, hashKey, links, publish }: GatewayPeopleParts,
): PeopleAndCataloguePorts {
  const { pool, log, now } = infrastructure
  const people = createPeople(pool)
  const ports = peoplePorts(infrastructure, { people, redis, publish })
  const categories = createCategoryCatalogue(pool)
  return {
    users: { change: (changes) => people.change(changes), ...ports },
    imports: {
      write: async (changes) => {
        const { touched } = await people.change(changes)
        await writeThrough(touched, ports.writeThrough)
      },
      failed: (err) => log.error({ err }, 'an import failed'),
    },
    devices: {
      registerDevice: (registration) => people.registerDevice(registration),
      unregisterDevice: (device) => people.unregisterDevice(device),
      listDevices: (userId) => listRegisteredDevices(pool, userId),
      writeThrough: ports.writeThrough,
    },
    settings: {
      replaceSettings: (userId, settings) => replaceSettings(pool, userId, settings),
      listCategories: (page) => categories.list(page),
      writeThrough: ports.writeThrough,
    },
    preferenceLinks: { loadProfiles: ports.writeThrough.loadProfiles, linkTo: preferenceLinks(links, now) },
    categories: {
      listCategories: (page) => categories.list(page),
      findCategory: (name) => categories.find(name),
      putCategory: (rules, operator) => categories.put(rules, operator),
    },
    templates: {
      listPublished: (page) => listPublishedTemplates(pool, page),
      loadVersion: (templateId, version) => loadTemplateVersion(pool, templateId, version),
    },
    suppressions: { hashAddress: addressHasher(hashKey), ...createSuppressionList(pool) },
    analytics: { readFunnel: (question) => readFunnel(pool, question), now },
  }
}

/** A link names a delivery, whose time it is measured by: here one that was never made, of this moment. */
function preferenceLinks(
  links: Configuration['links'],
  now: () => number,
): PeopleAndCataloguePorts['preferenceLinks']['linkTo'] {
  const making = linkMaking(links)
  return (userId) => {
    if (making === undefined) return undefined
    const nowMs = now()
    const delivery = { deliveryId: uuidV7(nowMs, randomBytes(10)), userId, category: '' }
    return { url: messageLinksOf(delivery, making).preferences(), expiresAtMs: nowMs + linkAgeLimitMs.preferences }
  }
}
