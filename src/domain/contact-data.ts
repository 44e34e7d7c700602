/**
 * A person's contact data, and what each field must be at every door where it comes in: HTTP, import and users.changed.
 */
import { isE164, isEmailAddress } from './contact-address.ts'
import { isLocale } from './locale.ts'
import type { Profile } from './profile.ts'
import { isTimeZone } from './time-zone.ts'

/** Null where there is none. */
export type ContactData = Pick<Profile, 'email' | 'phoneNumber' | 'locale' | 'timeZone'>
export type ContactField = keyof ContactData

interface ContactRule {
  /** What a refusal says in place of the value. */
  expected: string
  accepts(text: string): boolean
}

/** RFC 5646, section 4.4.1, has 35 in mind for what is really in use; extensions make some longer. */
const localeCharactersMax = 64

export const contactRules: Readonly<Record<ContactField, ContactRule>> = {
  email: { expected: 'an email address', accepts: isEmailAddress },
  phoneNumber: { expected: 'a telephone number in E.164, such as +14155552671', accepts: isE164 },
  locale: {
    expected: 'a BCP 47 tag such as ko-KR',
    accepts: (text) => text.length <= localeCharactersMax && isLocale(text),
  },
  timeZone: { expected: 'an IANA time zone such as Asia/Seoul', accepts: isTimeZone },
}

const contactFields = Object.keys(contactRules) as readonly ContactField[]

/** The first field that is not what it must be; undefined where all are. */
export function faultyContactField(data: ContactData): ContactField | undefined {
  return contactFields.find((field) => {
    const text = data[field]
    return text !== null && !contactRules[field].accepts(text)
  })
}
