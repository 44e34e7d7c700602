/**
 * A category as its owner writes it: what routers and senders go by, and what people are shown of it.
 */
import type { Category } from './category.ts'
import type { RequestChannel } from './channel.ts'

export interface CategoryRules extends Category {
  /** How often a delivery is tried; a channel that is not named has the default. */
  attempts: Partial<Record<RequestChannel, number>>
  /** What people call it, by language. */
  titles: Record<string, string>
  /** Whether the preference page shows it; all that can be left are shown. */
  listed: boolean
}
