/**
 * The two pages of unsubscribing: the question, which changes nothing, and the answer.
 */
import { html } from './html.ts'
import type { Page } from './layout.ts'
import { textsOf, type Language } from './texts.ts'

export interface UnsubscribeView {
  language: Language
  /** What people call the category. */
  category: string
  /** Relative, to the person's preference page; null where its link would be too old. */
  preferencesPath: string | null
}

export function questionPage({ language, category, preferencesPath }: UnsubscribeView): Page {
  const { ask, askHint, button, instead } = textsOf[language].unsubscribe
  const title = ask(category)
  const content = html`<section class="card">
    <h1>${title}</h1>
    <p class="hint">${askHint}</p>
    <form method="post" action="">
      <input type="hidden" name="List-Unsubscribe" value="One-Click" />
      <button>${button}</button>
    </form>
    ${preferencesPath !== null && html`<p><a href="${preferencesPath}">${instead}</a></p>`}
  </section>`
  return { language, title, size: 'small', content }
}

export function answerPage({ language, category, preferencesPath }: UnsubscribeView): Page {
  const { done, doneHint, changeMind } = textsOf[language].unsubscribe
  const content = html`<section class="card" role="status">
    <h1>${done}</h1>
    <p class="hint">${doneHint(category)}</p>
    ${preferencesPath !== null && html`<a href="${preferencesPath}">${changeMind}</a>`}
  </section>`
  return { language, title: done, size: 'small', content }
}
