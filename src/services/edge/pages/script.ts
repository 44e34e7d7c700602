/**
 * What the preference page can do besides where scripts run: fill in the time zone of the device. All else is HTML and
 * CSS, and the page is whole without this.
 */
export const preferencesScript = `'use strict'
const button = document.getElementById('device-zone')
const select = document.getElementById('time-zone')
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
if (button && select && Array.from(select.options).some((option) => option.value === zone)) {
  button.hidden = select.value === zone
  button.addEventListener('click', () => {
    select.value = zone
    select.focus()
    button.hidden = true
  })
}
`
