/**
 * The folder of a sound template, of which a test changes only what matters to it.
 */
const email = `<mjml><mj-body><mj-section><mj-column>
<mj-text>{{ item_name }} is back.</mj-text>
<mj-button href="{{ call_to_action.url }}">{{ call_to_action.title }}</mj-button>
</mj-column></mj-section></mj-body></mjml>`

const callToAction = `callToAction:
  title: Order now
  url: https://shop.example.com/items?name={{ item_name | url_encode }}
`

const soundFiles: Readonly<Record<string, string>> = {
  'template.yaml': `description: An item is back.
defaultLocale: en
samples:
  umbrella: { item_name: Umbrella }
`,
  'en/push.yaml': `title: Good news
body: "{{ item_name }} is back."
${callToAction}`,
  'en/sms.txt': '{{ item_name }} is back.\n',
  'en/email.yaml': `subject: "{{ item_name }} is back"
${callToAction}`,
  'en/email.txt': '{{ item_name }} is back.\n{{ call_to_action.url }}\n',
  'en/email.mjml': email,
}

/** @param changes what files say instead; undefined takes one away. */
export function templateFiles(changes: Readonly<Record<string, string | undefined>> = {}): Map<string, string> {
  const files = Object.entries({ ...soundFiles, ...changes })
  return new Map(files.flatMap(([path, text]) => (text === undefined ? [] : [[path, text]])))
}

/** Without email, so that nothing is compiled: a text and what `template.yaml` says besides. */
export function smsOnly(sms: string, head = 'samples: { umbrella: { item_name: Umbrella } }'): Map<string, string> {
  return new Map([
    ['template.yaml', `description: A text.\ndefaultLocale: en\n${head}\n`],
    ['en/sms.txt', sms],
  ])
}

/** The email of the sound template with another body. */
export function mjmlAround(text: string): string {
  return `<mjml><mj-body><mj-section><mj-column>\n<mj-text>${text}</mj-text>\n</mj-column></mj-section></mj-body></mjml>`
}
