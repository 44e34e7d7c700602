/**
 * The preference page: channel switches, categories by channel, quiet hours, language and time zone; one form, whole
 * without a script.
 *
 * What is switched on is sent as `on`, once for each switch; of a switch that is off a browser sends nothing, so the page
 * says in `shown` which categories it had.
 */
import { requestChannels, type RequestChannel } from '../../../domain/channel.ts'
import type { Preferences, PreferredCategory } from '../../../domain/preferences.ts'
import { timeOfDay } from '../../../domain/time-of-day.ts'
import { html, type Html } from './html.ts'
import type { Page } from './layout.ts'
import { categoryTitle, languages, textsOf, type Language, type PageTexts } from './texts.ts'

export interface PreferencesView {
  language: Language
  preferences: Preferences
  /** What the page says above all else. */
  notice: 'saved' | 'quiet_fault' | null
}

/** The values of `on`. */
export function channelSwitch(channel: RequestChannel): string {
  return `channel:${channel}`
}

export function categorySwitch(channel: RequestChannel, category: string): string {
  return `category:${channel}:${category}`
}

export function preferencesPage({ language, preferences, notice }: PreferencesView): Page {
  const texts = textsOf[language]
  const { title, introduction, save, allOff, private: secrecy } = texts.preferences
  const content = html`<h1>${title}</h1>
    <p class="lead">${introduction}</p>
    ${noticeOf(notice, texts)}
    <form method="post" action="?">
      ${channelsCard(preferences, texts)} ${categoriesCard(preferences, texts, language)}
      ${quietHoursCard(preferences, texts)} ${regionCard(preferences, texts, language)}
      <div class="actions">
        <button name="do" value="save">${save}</button>
        <button name="do" value="all-off" class="quiet">${allOff}</button>
      </div>
    </form>
    <footer class="hint">${secrecy}</footer>`
  return { language, title, size: 'large', content, scripted: true }
}

function noticeOf(notice: PreferencesView['notice'], { preferences }: PageTexts): Html | false {
  if (notice === null) return false
  return notice === 'saved'
    ? html`<p class="notice" role="status">${preferences.saved}</p>`
    : html`<p class="notice fault" role="alert">${preferences.quietFault}</p>`
}

function channelsCard({ channelOptIns }: Preferences, { channel: names, preferences: texts }: PageTexts): Html {
  const rows = requestChannels.map(
    (channel) =>
      html`<li>
        ${labelledSwitch({
          id: channel,
          text: names[channel].name,
          hint: names[channel].hint,
          input: { name: 'on', value: channelSwitch(channel), on: channelOptIns[channel] },
        })}
      </li>`,
  )
  return html`<fieldset class="card">
    <legend>${texts.channels}</legend>
    <p class="hint">${texts.channelsHint}</p>
    <ul class="rows">
      ${rows}
    </ul>
  </fieldset>`
}

function categoriesCard({ categories }: Preferences, texts: PageTexts, language: Language): Html {
  const { categories: heading, alwaysHint, category: column } = texts.preferences
  const heads = requestChannels.map(
    (channel) => html`<th scope="col" class="cell">${texts.channel[channel].short}</th>`,
  )
  return html`<section class="card" aria-labelledby="topics">
    <h2 id="topics">${heading}</h2>
    <p class="hint">${alwaysHint}</p>
    <table>
      <thead>
        <tr>
          <th scope="col"><span class="unseen">${column}</span></th>
          ${heads}
        </tr>
      </thead>
      <tbody>
        ${categories.map((category) => categoryRow(category, texts, language))}
      </tbody>
    </table>
  </section>`
}

function categoryRow(category: PreferredCategory, texts: PageTexts, language: Language): Html {
  const title = categoryTitle(category, language)
  const cells = requestChannels.map((channel) => {
    const label = texts.preferences.cell(title, texts.channel[channel].name)
    const value = categorySwitch(channel, category.name)
    const on = category.optIns[channel]
    return html`<td class="cell ${category.mandatory ? 'locked' : channel}">
      ${switchOf({ name: 'on', value, on, label, locked: category.mandatory })}
    </td>`
  })
  const tag = category.mandatory && html`<span class="tag">${texts.preferences.always}</span>`
  const shown = !category.mandatory && html`<input type="hidden" name="shown" value="${category.name}" />`
  return html`<tr>
    <th scope="row">${title}${tag}${shown}</th>
    ${cells}
  </tr>`
}

function quietHoursCard({ quietHours }: Preferences, { preferences: texts }: PageTexts): Html {
  const time = (minute: number | undefined, otherwise: string) => (minute === undefined ? otherwise : timeOfDay(minute))
  return html`<fieldset class="card">
    <legend>${texts.quietHours}</legend>
    ${labelledSwitch({
      id: 'quiet',
      text: texts.quietOn,
      hint: texts.quietHint,
      input: { name: 'quiet', value: 'on', on: quietHours !== null },
    })}
    <div class="fields times">
      <div>
        <label for="from">${texts.from}</label>
        <input type="time" id="from" name="quiet_from" value="${time(quietHours?.fromMinute, '22:00')}" />
      </div>
      <div>
        <label for="until">${texts.until}</label>
        <input type="time" id="until" name="quiet_until" value="${time(quietHours?.untilMinute, '08:00')}" />
      </div>
    </div>
  </fieldset>`
}

function regionCard({ locale, timeZone }: Preferences, { preferences: texts }: PageTexts, language: Language): Html {
  return html`<fieldset class="card">
    <legend>${texts.region}</legend>
    <div class="fields">
      <div>
        <label for="locale">${texts.language}</label>
        <select name="locale" id="locale">
          ${localeOptions(locale, texts.automatic, language)}
        </select>
      </div>
      <div>
        <label for="time-zone">${texts.timeZone}</label>
        <select name="time_zone" id="time-zone">
          ${zoneOptions(timeZone, texts.automatic)}
        </select>
        <button type="button" class="link" id="device-zone" hidden>${texts.deviceTimeZone}</button>
      </div>
    </div>
  </fieldset>`
}

interface Switch {
  name: string
  value: string
  on: boolean
  /** Where no text stands beside it. */
  label?: string
  /** The id of a text that stands beside it, and whose hint has the id `<it>-hint`. */
  labelledBy?: string
  locked?: boolean
}

/** All of the row can be clicked; what a screen reader calls it is the text alone, and the hint explains. */
function labelledSwitch({ id, text, hint, input }: { id: string; text: string; hint: string; input: Switch }): Html {
  return html`<label class="toggle"
    ><span><span id="${id}">${text}</span> <span class="hint" id="${id}-hint">${hint}</span></span>
    ${switchOf({ ...input, labelledBy: id })}</label
  >`
}

function switchOf({ name, value, on, label, labelledBy, locked = false }: Switch): Html {
  const named =
    label === undefined
      ? html`aria-labelledby="${labelledBy}" aria-describedby="${labelledBy}-hint"`
      : html`aria-label="${label}"`
  return html`<input
    type="checkbox"
    name="${name}"
    value="${value}"
    ${named}${on && html` checked`}${locked && html` disabled`}
  />`
}

function optionOf(value: string, text: string, selected: string | null): Html {
  return html`<option value="${value}" ${value === (selected ?? '') && html`selected`}>${text}</option>`
}

/** The pages' own languages, and whatever the person has: another one stays theirs until they choose. */
function localeOptions(locale: string | null, automatic: string, language: Language): Html[] {
  const has = (tag: string) => locale?.toLowerCase().split('-')[0] === tag
  const offered = languages.filter((each) => !has(each))
  const tags = locale === null ? [...offered] : [locale, ...offered]
  const automaticOption = locale === null ? [optionOf('', automatic, null)] : []
  return [...automaticOption, ...tags.map((tag) => optionOf(tag, nameOfLocale(tag, language), locale))]
}

/** In its own words, which its speakers find in any language; a tag that nobody knows stays one. */
function nameOfLocale(tag: string, language: Language): string {
  try {
    return new Intl.DisplayNames([tag, language], { type: 'language' }).of(tag) ?? tag
  } catch {
    return tag
  }
}

const zones = Intl.supportedValuesOf('timeZone')
const zonesByRegion = Map.groupBy(zones, (zone) => zone.split('/')[0] ?? zone)

/** One that is not among them, an old name or UTC, stays the person's until they choose. */
function zoneOptions(timeZone: string | null, automatic: string): Html[] {
  const own = timeZone === null || zones.includes(timeZone) ? [] : [optionOf(timeZone, timeZone, timeZone)]
  const groups = [...zonesByRegion].map(
    ([region, ofRegion]) =>
      html`<optgroup label="${region}">${ofRegion.map((zone) => optionOf(zone, cityOf(zone), timeZone))}</optgroup>`,
  )
  return [optionOf('', automatic, timeZone), ...own, ...groups]
}

function cityOf(zone: string): string {
  const [, ...city] = zone.split('/')
  return (city.join(', ') || zone).replaceAll('_', ' ')
}
