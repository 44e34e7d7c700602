/**
 * `fanfare templates check|preview|publish|rollback|list`: templates from a folder to the database, and back to an older
 * version.
 */
import { Command, Option } from 'commander'
import { processEnvironment, readConfiguration } from '../config.ts'
import { createHotPathPool, type HotPathPool } from '../postgres/hot-path-pool.ts'
import { listTemplateVersions, publishTemplate, rollBackTemplate } from '../postgres/template-publication.ts'
import { exitCodes } from './exit-code.ts'
import { operatorOption } from './operator.ts'
import { compileFolder } from './template-folders.ts'
import { previewCommand } from './template-preview.ts'
import { draftLine, publicationLine, versionTable } from './template-text.ts'
import { wholeNumberArgument } from './whole-number.ts'

const versionMax = 2_147_483_647
const listedMax = 10_000
const listedByDefault = 200

export function templatesCommand(): Command {
  return new Command('templates')
    .description('check, preview and publish templates, and go back to an older version')
    .addCommand(checkCommand())
    .addCommand(previewCommand())
    .addCommand(publishCommand())
    .addCommand(rollbackCommand())
    .addCommand(listCommand())
}

const folderHelp = 'one with a template.yaml, or one with such folders in it'

function checkCommand(): Command {
  return new Command('check')
    .description('say everything that keeps the templates of a folder from being published; needs no database')
    .argument('<folder>', folderHelp)
    .addHelpText('after', '\nExample:\n  fanfare templates check examples/templates')
    .action(async (folder: string) => {
      for (const { draft } of await compileFolder(folder)) process.stdout.write(`${draftLine(draft)}\n`)
    })
}

function publishCommand(): Command {
  return new Command('publish')
    .description(
      'publish the templates of a folder, each as a new version unless it says the same as the published one',
    )
    .argument('<folder>', folderHelp)
    .addOption(operatorOption())
    .addHelpText(
      'after',
      '\nNothing is published if one of them has a fault. Routers take a new version up within seconds; what is on its way\nkeeps its version.\n\nExamples:\n  fanfare templates publish examples/templates/back-in-stock\n  fanfare templates publish examples/templates --as ada',
    )
    .action(async (folder: string, { as: operator }: { as: string }) => {
      const compiled = await compileFolder(folder)
      await withDatabase(async (pool) => {
        for (const { draft } of compiled) {
          const publication = await publishTemplate(pool, draft, operator)
          process.stdout.write(`${publicationLine(draft.templateId, publication)}\n`)
        }
      })
    })
}

function rollbackCommand(): Command {
  return new Command('rollback')
    .description('publish another version of a template again')
    .argument('<template>', 'its id')
    .requiredOption('--to <version>', 'as `templates list` shows it', wholeNumberArgument(1, versionMax))
    .addOption(operatorOption())
    .addHelpText('after', '\nExample:\n  fanfare templates rollback back-in-stock --to 1 --as ada')
    .action(async (templateId: string, { to: version, as: operator }: { to: number; as: string }) => {
      const rollBack = await withDatabase((pool) => rollBackTemplate(pool, { templateId, version }, operator))
      if (rollBack.kind === 'unknown_version') {
        process.stderr.write(`fanfare: ${templateId} has no version ${version}; see \`fanfare templates list\`\n`)
        process.exitCode = exitCodes.failure
        return
      }
      process.stdout.write(`${publicationLine(templateId, rollBack)}\n`)
    })
}

function listCommand(): Command {
  return new Command('list')
    .description('list the versions of all templates, or of one')
    .argument('[template]', 'its id')
    .addOption(
      new Option('--limit <count>', 'at most so many')
        .argParser(wholeNumberArgument(1, listedMax))
        .default(listedByDefault),
    )
    .addHelpText('after', '\nExamples:\n  fanfare templates list\n  fanfare templates list back-in-stock')
    .action(async (templateId: string | undefined, { limit }: { limit: number }) => {
      const listing = { templateId: templateId ?? null, limit }
      const versions = await withDatabase((pool) => listTemplateVersions(pool, listing))
      process.stdout.write(versions.length === 0 ? 'there is no template\n' : `${versionTable(versions)}\n`)
      if (versions.length === limit) process.stdout.write(`the first ${limit}; there may be more (--limit)\n`)
    })
}

async function withDatabase<Result>(work: (pool: HotPathPool) => Promise<Result>): Promise<Result> {
  const { postgres } = readConfiguration(processEnvironment(), ['postgres'])
  const pool = createHotPathPool({ url: postgres.url, applicationName: 'fanfare-templates', maxConnections: 1 })
  try {
    return await work(pool)
  } finally {
    await pool.close()
  }
}
