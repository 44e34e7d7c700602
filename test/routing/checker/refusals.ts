/**
 * What is wrong with a request itself: every reason for which it may be refused, and must be for one of them.
 */
import { contentOf, missingVariables } from './content.ts'
import type { EventCase } from './evidence.ts'
import { isLanguageTag, isRequestChannel, isUuid } from './words.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const aheadMaxMs = hourMs
const ageMaxMs = 7 * dayMs
const horizonMs = 21 * dayMs

/** Reasons that hold for the request as it arrives, whoever the person is. */
export function defectsOf({ event, category, template, channels }: EventCase): string[] {
  const { createdAt, sendAt, expiresAt, publishedAt } = event
  const reasons: string[] = []
  if (
    !isUuid(event.notificationId) ||
    channels.some((channel) => !isRequestChannel(channel)) ||
    (event.locale !== null && !isLanguageTag(event.locale))
  ) {
    reasons.push('invalid_request')
  }
  if (!Number.isSafeInteger(event.userId) || event.userId < 1) reasons.push('invalid_user_id')
  if (category === undefined) reasons.push('unknown_category')
  if (isTemplateUnknown({ event, category, template, channels })) reasons.push('unknown_template')
  if (expiresAt !== null && expiresAt < createdAt) reasons.push('expires_before_created')
  if (expiresAt !== null && sendAt !== null && expiresAt < sendAt) reasons.push('expires_before_send_at')
  if (createdAt < publishedAt - ageMaxMs) reasons.push('too_old')
  if (createdAt > publishedAt + aheadMaxMs) reasons.push('in_future')
  if (sendAt !== null && sendAt > createdAt + horizonMs) reasons.push('beyond_horizon')
  return reasons
}

/** Without content for any of the channels it is as good as none. Which template it is, only a category can say. */
function isTemplateUnknown({
  event,
  category,
  template,
  channels,
}: Pick<EventCase, 'event' | 'category' | 'template' | 'channels'>): boolean {
  if (category === undefined && event.template === null) return false
  return (
    template === undefined || !channels.some((channel) => template.contents.some((each) => each.channel === channel))
  )
}

/** By channel: what its content needs and the event does not bring. Channels that lack nothing are not in it. */
export function missingByChannel({ event, person, template, channels }: EventCase): Map<string, string[]> {
  const missing = new Map<string, string[]>()
  if (person === undefined || template === undefined) return missing
  for (const channel of channels) {
    const content = contentOf(template, channel, { event, person })
    const names = content === undefined ? [] : missingVariables(content, event)
    if (names.length > 0) missing.set(channel, names)
  }
  return missing
}

/** How long after its event a person may still be signing up. */
export const signUpMs = 120_000

export function isKnown({ person }: Pick<EventCase, 'person'>, at: number): boolean {
  return person !== undefined && person.knownFrom <= at
}
