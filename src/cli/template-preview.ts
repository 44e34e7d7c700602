/**
 * `fanfare templates preview`: what each channel would get, from a folder without any database, or as it is published.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { requestChannels, type RequestChannel } from '../domain/channel.ts'
import type { TemplateData } from '../domain/notification.ts'
import { pickLocale, type LocalizedContent, type TemplateDraft } from '../domain/template.ts'
import { missingVariables } from '../domain/template-variables.ts'
import { createHotPathPool } from '../postgres/hot-path-pool.ts'
import { loadTemplateVersion } from '../postgres/template-publication.ts'
import { exampleUrls } from '../services/templates/example-links.ts'
import { createLiquidEngine } from '../services/templates/liquid.ts'
import { dataArgument } from './event-arguments.ts'
import { exitCodes } from './exit-code.ts'
import { compileFolder, isTemplateFolder } from './template-folders.ts'
import { messageText } from './template-text.ts'
import { wholeNumberArgument } from './whole-number.ts'

const versionMax = 2_147_483_647

interface PreviewFlags {
  data: TemplateData
  sample?: string
  channel?: RequestChannel
  locale?: string
  version?: number
  out?: string
}

const examples = `
Examples:
  fanfare templates preview examples/templates/back-in-stock --locale ko-KR --out /tmp/preview
  fanfare templates preview examples/templates/order-receipt --channel email --sample 'without a name'
  fanfare templates preview back-in-stock --data item_name=Umbrella --data 'date=1 October'`

export function previewCommand(): Command {
  return new Command('preview')
    .description('show what each channel would get')
    .argument('<template>', 'a folder with a template.yaml, or the id of a published template')
    .addOption(
      new Option('--data <name=value>', 'a parameter, over those of the sample; name:=json for other than text')
        .argParser(dataArgument)
        .default({}, 'none'),
    )
    .option('--sample <name>', 'of the folder’s template.yaml (default: the first)')
    .addOption(new Option('--channel <channel>', 'only this one').choices(requestChannels))
    .option('--locale <tag>', 'the person’s (default: the template’s)')
    .option('--version <number>', 'of the database, other than the published one', wholeNumberArgument(1, versionMax))
    .option('--out <folder>', 'write the HTML of the email there')
    .addHelpText('after', `\nThe database is asked only where no folder is given.\n${examples}`)
    .action(async (template: string, flags: PreviewFlags) => {
      const { draft, data } = await previewed(template, flags)
      const isWhole = preview(draft, { ...data, ...flags.data }, flags)
      if (!isWhole) process.exitCode = exitCodes.failure
    })
}

async function previewed(
  template: string,
  { sample, version }: PreviewFlags,
): Promise<{ draft: TemplateDraft; data: TemplateData }> {
  if (!isTemplateFolder(template)) {
    if (sample !== undefined) throw new Error('samples are in folders; the database has none (--data)')
    return { draft: await storedVersion(template, version ?? null), data: {} }
  }
  if (version !== undefined) throw new Error('a folder has no versions; the database has (give the template’s id)')
  const [compiled] = await compileFolder(template)
  const found = compiled?.samples.find(({ name }) => sample === undefined || name === sample)
  if (compiled === undefined || found === undefined) {
    const names = compiled?.samples.map(({ name }) => name).join(', ') ?? ''
    throw new Error(`there is no sample "${sample ?? ''}"; there are: ${names}`)
  }
  return { draft: compiled.draft, data: found.data }
}

async function storedVersion(templateId: string, version: number | null): Promise<TemplateDraft> {
  const { postgres } = readConfiguration(processEnvironment(), ['postgres'])
  const pool = createHotPathPool({ url: postgres.url, applicationName: 'fanfare-templates', maxConnections: 1 })
  try {
    const found = await loadTemplateVersion(pool, templateId, version)
    if (found !== undefined) return found
    const what = version === null ? 'published template' : `version ${version} of a template`
    throw new Error(`there is no ${what} "${templateId}", and no folder of this name with a template.yaml`)
  } finally {
    await pool.close()
  }
}

/** @returns whether every channel could be shown. */
function preview(draft: TemplateDraft, data: TemplateData, { channel, locale, out }: PreviewFlags): boolean {
  const engine = createLiquidEngine()
  const ofChannel = Map.groupBy(draft.contents, ({ content }) => content.channel)
  const wanted = requestChannels.filter((each) => ofChannel.has(each) && (channel === undefined || each === channel))
  if (wanted.length === 0) throw new Error(`${draft.templateId} has nothing for this channel`)
  let isWhole = true
  for (const each of wanted) {
    // As the router picks it.
    const content = pickLocale(ofChannel.get(each) ?? [], [locale ?? null], draft.defaultLocale)
    if (content === undefined) continue
    process.stdout.write(`${each}, ${content.locale}\n`)
    const missing = missingVariables(data, content.variables)
    if (missing.length > 0) {
      isWhole = false
      process.stdout.write(`  failed: missing_variable (${missing.join(', ')})\n\n`)
      continue
    }
    const message = engine.render(engine.parseContent(content.content), data, exampleUrls)
    const htmlPath =
      message.kind === 'email' && out !== undefined ? writeHtml(out, draft, content, message.html) : undefined
    process.stdout.write(`${messageText(message, htmlPath)}\n`)
  }
  return isWhole
}

function writeHtml(folder: string, { templateId }: TemplateDraft, { locale }: LocalizedContent, html: string): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${templateId}.${locale}.html`)
  writeFileSync(path, html)
  return path
}
