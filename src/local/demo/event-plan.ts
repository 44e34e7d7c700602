/**
 * What the demo publishes: events of the five seeded categories, for people all over, as shops and their services send
 * them. A function of the index, so that two runs publish the same.
 */
import type { Lane } from '../../domain/channel.ts'
import type { TemplateData } from '../../domain/notification.ts'
import { createDraws, type Draws } from '../seed/draws.ts'
import { seededCategories } from '../seed/categories.ts'

export interface PlannedEvent {
  lane: Lane
  userId: number
  category: string
  data: TemplateData
}

/** Of a hundred events. */
const sharesOf = {
  'login-code': 25,
  'order-receipt': 20,
  'delivery-update': 15,
  'back-in-stock': 25,
  'weekly-offers': 15,
} as const
type PlannedCategory = keyof typeof sharesOf

/** @param index 0 or more. @param users how many people there are, with the ids from 1 on. */
export function plannedEvent(index: number, { users, seed }: { users: number; seed: string }): PlannedEvent {
  const draws = createDraws(seed, 'event', index)
  const category = drawCategory(draws)
  return {
    lane: laneOf(category),
    userId: 1 + draws.below(users),
    category,
    data: dataOf[category](draws),
  }
}

function drawCategory(draws: Draws): PlannedCategory {
  let left = draws.below(100)
  for (const [category, share] of Object.entries(sharesOf)) {
    // The keys of the table above.
    if (left < share) return category as PlannedCategory
    left -= share
  }
  return 'login-code'
}

function laneOf(name: PlannedCategory): Lane {
  const category = seededCategories.find((each) => each.name === name)
  if (category === undefined) throw new Error(`${name} is not seeded`)
  return category.lane
}

const items = ['Umbrella', 'Desk lamp', '보온병', 'Trail shoes', '무선 이어폰', 'Tea & scones <set>'] as const

const dataOf: Record<PlannedCategory, (draws: Draws) => TemplateData> = {
  'login-code': (draws) => ({ code: String(draws.below(1_000_000)).padStart(6, '0'), minutes: 10 }),
  'order-receipt': (draws) => {
    const lines = Array.from({ length: 1 + draws.below(3) }, () => ({
      name: draws.pick(items),
      quantity: 1 + draws.below(3),
      price: price(draws),
    }))
    return { order_id: `A-${draws.bytes(4).toString('hex').toUpperCase()}`, total: price(draws), lines }
  },
  'delivery-update': (draws) => ({
    courier: draws.pick(['Minjun', 'Grace', '하은']),
    item_name: draws.pick(items),
    eta: draws.pick(['by 6 pm', 'tomorrow', '오늘']),
  }),
  'back-in-stock': (draws) => ({ item_name: draws.pick(items), date: `${1 + draws.below(28)} October` }),
  'weekly-offers': (draws) => ({
    week: 1 + draws.below(52),
    offers: Array.from({ length: 3 }, () => ({ name: draws.pick(items), price: price(draws) })),
  }),
}

/** Data for the template that a category of the same name has. */
export function templateDataOf(category: PlannedCategory, draws: Draws): TemplateData {
  return dataOf[category](draws)
}

/** Money is text. */
function price(draws: Draws): string {
  return `€${1 + draws.below(99)}.${String(draws.below(100)).padStart(2, '0')}`
}
