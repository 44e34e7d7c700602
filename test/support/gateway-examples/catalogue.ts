/**
 * Examples of what operators look after: categories, templates, suppressions.
 */
import { randomUUID } from 'node:crypto'
import type { Examples } from './example.ts'

const rules = { lane: 'bulk', channels: ['push'], timeToLiveSeconds: 3_600, templateId: 'back-in-stock' }
const address = { channel: 'email', address: 'gone@example.com' }

const noTemplate = () => Promise.resolve({ params: { templateId: `t-${randomUUID()}` } })
const ofTemplate = { known: () => Promise.resolve({ templateId: ['back-in-stock'], version: ['3'] }) }

export const catalogueExamples: Examples = {
  listCategories: { success: () => Promise.resolve({}), known: () => Promise.resolve({ limit: ['1', '100'] }) },
  getCategory: {
    success: () => Promise.resolve({ params: { name: 'receipt' } }),
    refusals: { 404: () => Promise.resolve({ params: { name: `c-${randomUUID()}` } }) },
    known: () => Promise.resolve({ name: ['receipt'] }),
  },
  putCategory: {
    success: () => Promise.resolve({ params: { name: 'weekly' }, json: rules }),
    known: () =>
      Promise.resolve({
        name: ['weekly', 'monthly'],
        templateId: ['back-in-stock'],
        channels: [['push'], ['sms', 'email']],
        titles: [{}, { en: '{{ 2401 | times: 2401 }}' }],
        listed: [true],
      }),
  },
  listTemplates: { success: () => Promise.resolve({}), known: () => Promise.resolve({ limit: ['1', '100'] }) },
  getTemplate: {
    success: () => Promise.resolve({ params: { templateId: 'back-in-stock' } }),
    refusals: { 404: noTemplate },
    ...ofTemplate,
  },
  previewTemplate: {
    success: () =>
      Promise.resolve({
        params: { templateId: 'back-in-stock' },
        json: { data: { item_name: 'Lamp', date: 'May 1' } },
      }),
    refusals: { 404: async () => ({ ...(await noTemplate()), json: { data: {} } }) },
    known: async () => ({
      ...(await ofTemplate.known()),
      data: [
        { item_name: 'Lamp', date: 'May 1' },
        { item_name: '{{ 2401 | times: 2401 }}', date: "{% include 'x' %}" },
      ],
      locale: ['en'],
    }),
  },
  listSuppressions: {
    success: () => Promise.resolve({ query: { channel: 'email' } }),
    known: () => Promise.resolve({ limit: ['1', '100'] }),
  },
  addSuppression: { success: () => Promise.resolve({ json: address }) },
  checkSuppression: { success: () => Promise.resolve({ json: address }) },
  removeSuppression: { success: () => Promise.resolve({ json: address }) },
}
