/**
 * Categories in Postgres.
 */
import type { Cap, Category } from '../domain/category.ts'
import type { Lane, RequestChannel } from '../domain/channel.ts'
import type { UnknownPolicy } from '../domain/delivery-command.ts'
import type { Queryable } from './hot-path-pool.ts'
import { loadStatement } from './statement.ts'
import { withoutNul } from './values.ts'

const loadStatementOfCategories = loadStatement('load-categories')

export interface Categories {
  /** The categories of those names that exist, in one round trip. Names may be anything that a request said. */
  loadCategories(names: readonly string[]): Promise<Map<string, Category>>
}

export function createCategories(pool: Queryable): Categories {
  return {
    loadCategories: async (names) => {
      const askable = names.filter((name) => name === withoutNul(name))
      if (askable.length === 0) return new Map()
      const rows = await pool.query<CategoryRow>(loadStatementOfCategories, [[...new Set(askable)]])
      return new Map(rows.map((row) => [row.name, toCategory(row)]))
    },
  }
}

export interface CategoryRow {
  name: string
  lane: Lane
  channels: RequestChannel[]
  mandatory: boolean
  opt_in_default: boolean
  caps: Cap[]
  over_cap_policy: Category['overCapPolicy']
  quiet_hours_policy: Category['quietHoursPolicy']
  send_from_minute: number | null
  send_until_minute: number | null
  caps_unavailable_policy: Category['capsUnavailablePolicy']
  time_to_live_seconds: number
  unknown_policy: UnknownPolicy
  template_id: string
}

export function toCategory(row: CategoryRow): Category {
  return {
    name: row.name,
    lane: row.lane,
    channels: row.channels,
    mandatory: row.mandatory,
    optInDefault: row.opt_in_default,
    caps: row.caps,
    overCapPolicy: row.over_cap_policy,
    quietHoursPolicy: row.quiet_hours_policy,
    sendWindow:
      row.send_from_minute === null || row.send_until_minute === null
        ? null
        : { fromMinute: row.send_from_minute, untilMinute: row.send_until_minute },
    capsUnavailablePolicy: row.caps_unavailable_policy,
    timeToLiveSeconds: row.time_to_live_seconds,
    unknownPolicy: row.unknown_policy,
    templateId: row.template_id,
  }
}
