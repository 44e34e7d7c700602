/**
 * Events under caps: each person gets a burst of them in one go, more than either cap lets through, and then none for a
 * while. Most are of the capped category, the rest count under the caps of their person only.
 */
import type { Message } from 'kafkajs'
import type { Bench } from '../supervisor/bench.ts'
import { cappedCategory, category, categoryCap, userCount } from '../supervisor/catalogue.ts'
import { bulkRoles } from './fault-row.ts'
import type { RoleSpec } from '../supervisor/supervised-role.ts'

/** Over all categories, in windows of the same length. */
const userCap = { limit: 4, windowSeconds: categoryCap.windowSeconds }

const routing = { FANFARE_USER_CAPS: `${userCap.limit}/${userCap.windowSeconds}s` }

/** Any role of the bulk lane that routes, told of the caps. */
export function withUserCaps(spec: RoleSpec): RoleSpec {
  return { ...spec, environment: { ...spec.environment, ...routing } }
}

/** What runs beside the routers. */
export const rolesBesideRouters: readonly RoleSpec[] = [
  ...bulkRoles.filter(({ command: [role] }) => role !== 'router'),
  { name: 'scheduler', command: ['scheduler'] },
]

const eventsPerBurst = 8
const channelChoices = [['sms'], ['email'], ['sms', 'email']]

/** The next so many events; a burst goes on where the last call ended. */
export function cappedEvents({ load }: Bench): (count: number) => Message[] {
  let made = 0
  return (count) =>
    Array.from({ length: count }, () => {
      const userId = 1 + (Math.floor(made / eventsPerBurst) % userCount)
      const message = load.message({
        userId,
        category: made % 4 === 3 ? category : cappedCategory,
        channels: channelChoices[made % channelChoices.length],
      })
      made += 1
      return message
    })
}

/** Has the checker judge by these caps. */
export function declareCaps({ schedule }: Bench): void {
  schedule.userCaps = [userCap]
}

/** Persons who got more of the capped category at once than its cap allows: since nobody counted. */
export async function uncappedPeople({ query }: Bench, { fromMs, untilMs }: { fromMs: number; untilMs: number }) {
  const [row] = await query<{ count: number }>(
    `select count(*)::integer as count from (
       select user_id from notifications
       where category = '${cappedCategory}' and decision = 'routed'
         and decided_at between to_timestamp(${fromMs / 1_000}) and to_timestamp(${untilMs / 1_000})
       group by user_id having count(*) > ${categoryCap.limit}
     ) as each`,
  )
  return row?.count ?? 0
}

/** Notifications that have waited for a place, or do so now. */
export async function deferrals({ query }: Bench): Promise<number> {
  const [row] = await query<{ count: number }>(
    `select count(*)::integer as count from notifications where pass > 0 or decision = 'deferred'`,
  )
  return row?.count ?? 0
}
