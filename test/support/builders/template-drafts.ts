/**
 * Versions of templates before they have a number, of which a test says only what matters to it.
 */
import type { TemplateDraft } from '../../../src/domain/template.ts'

/** A text in English and Korean. */
export function draft(templateId: string, choices: Partial<TemplateDraft> = {}): TemplateDraft {
  return {
    templateId,
    description: 'A greeting.',
    defaultLocale: 'en',
    contents: [
      { locale: 'en', content: { channel: 'sms', body: 'Hello {{ name }}' }, variables: ['name'] },
      { locale: 'ko', content: { channel: 'sms', body: '안녕 {{ name }}' }, variables: ['name'] },
    ],
    ...choices,
  }
}
