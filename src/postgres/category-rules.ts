/**
 * Categories in Postgres as their owners read and write them. Every write tells the routers (a trigger notifies them),
 * and is recorded with who made it.
 */
import type { CategoryRules } from '../domain/category-rules.ts'
import { build, runBuilt } from './built-statement.ts'
import { toCategory, type CategoryRow } from './categories.ts'
import type { HotPathPool } from './hot-path-pool.ts'
import { createOperatorActions } from './operator-actions.ts'

export interface CategoryCatalogue {
  /** In the order of their names, from the first after `after`. */
  list(page: { after: string | null; limit: number }): Promise<CategoryRules[]>
  find(name: string): Promise<CategoryRules | undefined>
  /**
   * Writes the whole category, new or not.
   * @returns whether it was new; `unknown_template` where no version of its template is published.
   */
  put(rules: CategoryRules, operator: string): Promise<'created' | 'changed' | 'unknown_template'>
}

export function createCategoryCatalogue(pool: HotPathPool): CategoryCatalogue {
  async function list({ after, limit }: { after: string | null; limit: number }): Promise<CategoryRules[]> {
    const page = build('categories').select('*').orderBy('name').limit(limit)
    const rows = await runBuilt<RulesRow>(pool, after === null ? page : page.where('name', '>', after))
    return rows.map(toRules)
  }

  async function find(name: string): Promise<CategoryRules | undefined> {
    const [row] = await runBuilt<RulesRow>(pool, build('categories').select('*').where({ name }))
    return row === undefined ? undefined : toRules(row)
  }

  function put(rules: CategoryRules, operator: string): Promise<'created' | 'changed' | 'unknown_template'> {
    return pool.transaction(async (connection) => {
      const published = build('templates').where({ template_id: rules.templateId, published: true })
      if ((await runBuilt(connection, published.select('version'))).length === 0) return 'unknown_template'
      const actions = createOperatorActions(connection)
      const { name, ...choices } = rules
      const actionId = await actions.begin({ operator, action: 'categories.put', target: name, choices })
      const [row] = await runBuilt<{ created: boolean }>(
        connection,
        build('categories')
          .insert(toRow(rules))
          .onConflict('name')
          .merge()
          .returning(build.raw('old.name is null as created')),
      )
      await actions.end(actionId, { written: 1 })
      return row?.created === true ? 'created' : 'changed'
    })
  }

  return { list, find, put }
}

type RulesRow = CategoryRow & Pick<CategoryRules, 'attempts' | 'titles' | 'listed'>

function toRules(row: RulesRow): CategoryRules {
  const { attempts, titles, listed } = row
  return { ...toCategory(row), attempts, titles, listed }
}

function toRow(rules: CategoryRules): object {
  return {
    name: rules.name,
    lane: rules.lane,
    channels: rules.channels,
    mandatory: rules.mandatory,
    opt_in_default: rules.optInDefault,
    caps: JSON.stringify(rules.caps),
    over_cap_policy: rules.overCapPolicy,
    caps_unavailable_policy: rules.capsUnavailablePolicy,
    quiet_hours_policy: rules.quietHoursPolicy,
    send_from_minute: rules.sendWindow?.fromMinute ?? null,
    send_until_minute: rules.sendWindow?.untilMinute ?? null,
    time_to_live_seconds: rules.timeToLiveSeconds,
    unknown_policy: rules.unknownPolicy,
    template_id: rules.templateId,
    attempts: JSON.stringify(rules.attempts),
    titles: JSON.stringify(rules.titles),
    listed: rules.listed,
  }
}
