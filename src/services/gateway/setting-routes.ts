/**
 * `/v1/users/{userId}/settings`: what a person wants to hear, over whole channels and by category. The preference page
 * changes the same; whoever writes last counts.
 */
import { z } from 'zod'
import type { CategoryRules } from '../../domain/category-rules.ts'
import { requestChannels, type RequestChannel } from '../../domain/channel.ts'
import type { FieldFault } from '../../domain/refusal.ts'
import { optedIn, ownChoice, type OwnSettings } from '../../domain/settings.ts'
import { refusals } from '../../http/problem-answers.ts'
import { refuse } from '../../http/problem.ts'
import type { HttpServer } from '../../http/server.ts'
import { writeThrough, type WriteThroughPorts } from '../people/write-through.ts'
import { categoryNameSchema } from './category-schemas.ts'
import { unknownUser } from './user-routes.ts'
import { userParamsSchema } from './user-schemas.ts'

export interface SettingPorts {
  /** What is not in it is not chosen any more. */
  replaceSettings(userId: number, settings: OwnSettings): Promise<'replaced' | 'unknown_user'>
  /** In the order of their names, from the first after `after`. */
  listCategories(page: { after: string | null; limit: number }): Promise<CategoryRules[]>
  writeThrough: WriteThroughPorts
}

const tags = ['settings']
const config = { scope: 'users:write' } as const

/** There are tens; whoever has more has made them by a mistake. */
const categoriesMax = 1_000

const chosenSchema = z.boolean().nullish().describe('Null, or left out: not chosen')
const choicesSchema = z
  .strictObject({ push: chosenSchema, sms: chosenSchema, email: chosenSchema })
  .meta({ id: 'ChannelChoices' })

const putSettingsSchema = z
  .strictObject({
    channels: choicesSchema.describe('Switches of whole channels; one that is off goes before everything below'),
    categories: z
      .record(categoryNameSchema, choicesSchema)
      .describe('By category. One that is not named is not chosen any more.'),
  })
  .meta({
    id: 'SettingsData',
    examples: [{ channels: { sms: false }, categories: { 'weekly-offers': { email: false } } }],
  })
type SettingsData = z.infer<typeof putSettingsSchema>

const settingSchema = z
  .object({
    chosen: z.boolean().nullable().describe('By the person; null where they follow the default'),
    wanted: z.boolean().describe('What comes of switch, choice and default: whether it is sent'),
  })
  .meta({ id: 'Setting' })

const settingsSchema = z
  .object({
    channels: z.object({ push: z.boolean(), sms: z.boolean(), email: z.boolean() }).describe('The switches'),
    categories: z.array(
      z.object({
        category: z.string(),
        mandatory: z.boolean().describe('Nobody can leave it: it is sent whatever was chosen'),
        channels: z.object({ push: settingSchema, sms: settingSchema, email: settingSchema }),
      }),
    ),
  })
  .meta({ id: 'Settings' })

export function settingRoutes(server: HttpServer, ports: SettingPorts): void {
  server.get('/v1/users/:userId/settings', {
    config,
    schema: {
      operationId: 'getSettings',
      summary: 'Read what a person wants to hear',
      description: 'Every category that there is, with what was chosen and what comes of it.',
      tags,
      params: userParamsSchema,
      response: { 200: settingsSchema.describe('The settings'), ...refusals('not_found') },
    },
    handler: async ({ params: { userId } }, reply) => {
      const profile = (await ports.writeThrough.loadProfiles([userId])).get(userId)
      if (profile === undefined) return refuse(reply, unknownUser)
      return viewOf(profile, await ports.listCategories({ after: null, limit: categoriesMax }))
    },
  })
  server.put('/v1/users/:userId/settings', {
    config,
    schema: {
      operationId: 'putSettings',
      summary: 'Write what a person wants to hear',
      description: 'All of it: what is not said follows the defaults again. Obeyed from the next send on.',
      tags,
      params: userParamsSchema,
      body: putSettingsSchema,
      response: {
        200: settingsSchema.describe('The settings as they are now'),
        ...refusals('not_found', 'too_large', 'unsupported_media_type'),
      },
    },
    handler: async ({ params: { userId }, body }, reply) => {
      const categories = await ports.listCategories({ after: null, limit: categoriesMax })
      const faults = faultsOf(body, categories)
      if (faults.length > 0) return refuse(reply, { kind: 'invalid', faults })
      const settings = settingsOf(body)
      const outcome = await ports.replaceSettings(userId, settings)
      if (outcome === 'unknown_user') return refuse(reply, unknownUser)
      await writeThrough([userId], ports.writeThrough)
      return viewOf(settings, categories)
    },
  })
}

function faultsOf({ categories: chosen }: SettingsData, categories: readonly CategoryRules[]): FieldFault[] {
  const byName = new Map(categories.map((category) => [category.name, category]))
  return Object.entries(chosen).flatMap(([name, choices]): FieldFault[] => {
    const field = `/categories/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    const category = byName.get(name)
    if (category === undefined) return [{ field, expected: 'a category that exists' }]
    if (!category.mandatory) return []
    return requestChannels
      .filter((channel) => choices[channel] === false)
      .map((channel) => ({ field: `${field}/${channel}`, expected: 'true or null: the category is mandatory' }))
  })
}

function settingsOf({ channels, categories }: SettingsData): OwnSettings {
  return {
    channelOptIns: Object.fromEntries(choicesOf(channels).map(({ channel, optIn }) => [channel, optIn])),
    categoryOptIns: Object.entries(categories).flatMap(([category, choices]) =>
      choicesOf(choices).map((choice) => ({ category, ...choice })),
    ),
  }
}

function choicesOf(choices: z.infer<typeof choicesSchema>): { channel: RequestChannel; optIn: boolean }[] {
  return requestChannels.flatMap((channel) => {
    const optIn = choices[channel] ?? null
    return optIn === null ? [] : [{ channel, optIn }]
  })
}

function viewOf(settings: OwnSettings, categories: readonly CategoryRules[]): z.infer<typeof settingsSchema> {
  const { push = true, sms = true, email = true } = settings.channelOptIns
  return {
    channels: { push, sms, email },
    categories: categories.map((category) => {
      const settingOf = (channel: RequestChannel) => ({
        chosen: ownChoice(settings, category.name, channel) ?? null,
        wanted: optedIn(settings, category, channel),
      })
      const channels = { push: settingOf('push'), sms: settingOf('sms'), email: settingOf('email') }
      return { category: category.name, mandatory: category.mandatory, channels }
    }),
  }
}
