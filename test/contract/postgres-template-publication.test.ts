import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { TemplateDraft } from '../../src/domain/template.ts'
import { createHotPathPool, type HotPathPool } from '../../src/postgres/hot-path-pool.ts'
import {
  listTemplateVersions,
  loadTemplateVersion,
  publishTemplate,
  rollBackTemplate,
} from '../../src/postgres/template-publication.ts'
import { createTemplates } from '../../src/postgres/templates.ts'
import { draft } from '../support/builders/template-drafts.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

describe('publishing a template', () => {
  let database: TestDatabase
  let pool: HotPathPool
  before(async () => {
    database = await createTestDatabase()
    pool = createHotPathPool({ url: database.url, applicationName: 'test', maxConnections: 8 })
  })
  after(async () => {
    await pool.close()
    await database.drop()
  })

  const publish = (given: TemplateDraft, operator = 'ada') => publishTemplate(pool, given, operator)
  const publishedOf = async (templateId: string) =>
    (await createTemplates(pool).loadPublished([templateId])).get(templateId)
  const saying = (templateId: string, body: string) =>
    draft(templateId, { contents: [{ locale: 'en', content: { channel: 'sms', body }, variables: [] }] })
  const actionsOn = (templateId: string) =>
    database.query(
      `select operator, action, choices, counts, finished_at is not null as finished
       from operator_actions where target = $1 order by started_at`,
      [templateId],
    )

  test('makes its first version, whole, for the router and for the sender', async () => {
    const email = {
      locale: 'en',
      content: {
        channel: 'email',
        subject: 's',
        text: 't',
        html: '<p>',
        callToAction: { title: 'Go', url: 'https://e.example' },
      },
      variables: ['lines', 'lines[].name'],
    } as const
    const given = draft('first', { defaultLocale: 'ko', contents: [...draft('first').contents, email] })
    assert.deepEqual(await publish(given), { kind: 'published', version: 1, before: null })
    assert.deepEqual(await publishedOf('first'), {
      templateId: 'first',
      version: 1,
      defaultLocale: 'ko',
      contentsOf: {
        email: [{ locale: 'en', variables: ['lines', 'lines[].name'] }],
        sms: [
          { locale: 'en', variables: ['name'] },
          { locale: 'ko', variables: ['name'] },
        ],
      },
    })
    const key = { templateId: 'first', version: 1, channel: 'email', locale: 'en' } as const
    assert.deepEqual(await createTemplates(pool).loadContents([key]), [email.content])
  })

  test('makes the next version, and what is pinned to the one before keeps it', async () => {
    await publish(saying('next', 'one'))
    assert.deepEqual(await publish(saying('next', 'two')), { kind: 'published', version: 2, before: 1 })
    assert.equal((await publishedOf('next'))?.version, 2)
    const key = { templateId: 'next', channel: 'sms', locale: 'en' } as const
    const contents = await createTemplates(pool).loadContents([
      { ...key, version: 1 },
      { ...key, version: 2 },
    ])
    assert.deepEqual(
      contents.map((content) => content?.channel === 'sms' && content.body),
      ['one', 'two'],
    )
  })

  test('makes nothing new of what the published version says already, in whatever order', async () => {
    const given = draft('same')
    await publish(given)
    const again = { ...given, contents: given.contents.toReversed() }
    assert.deepEqual(await publish(again), { kind: 'unchanged', version: 1 })
    assert.equal((await listTemplateVersions(pool, { templateId: 'same', limit: 10 })).length, 1)
    assert.equal((await actionsOn('same')).length, 1)
  })

  const differences: Record<string, (given: TemplateDraft) => TemplateDraft> = {
    'the default locale': (given) => ({ ...given, defaultLocale: 'ko' }),
    'the description': (given) => ({ ...given, description: 'Another.' }),
    'a locale less': (given) => ({ ...given, contents: given.contents.slice(1) }),
    'what a content needs': (given) => ({
      ...given,
      contents: given.contents.map((content) => ({ ...content, variables: [] })),
    }),
  }
  for (const [name, differ] of Object.entries(differences)) {
    test(`makes a version of another: ${name}`, async () => {
      const given = draft(`differs-${name.replaceAll(' ', '-')}`)
      await publish(given)
      assert.equal((await publish(differ(given))).version, 2)
    })
  }

  test('goes back to an older version and forth again, and each is published alone', async () => {
    await publish(saying('back', 'one'))
    await publish(saying('back', 'two'))
    const to = (version: number) => rollBackTemplate(pool, { templateId: 'back', version }, 'grace')
    assert.deepEqual(await to(1), { kind: 'published', version: 1, before: 2 })
    assert.equal((await publishedOf('back'))?.version, 1)
    assert.deepEqual(await to(1), { kind: 'unchanged', version: 1 })
    assert.deepEqual(await to(2), { kind: 'published', version: 2, before: 1 })
    assert.deepEqual(await to(3), { kind: 'unknown_version' })
    const listed = await listTemplateVersions(pool, { templateId: 'back', limit: 10 })
    assert.deepEqual(
      listed.map(({ version, isPublished, publishedBy }) => [version, isPublished, publishedBy]),
      [
        [2, true, 'grace'],
        [1, false, 'grace'],
      ],
    )
    // A correction after going back is a new version, not a change of an old one.
    await to(1)
    assert.deepEqual(await publish(saying('back', 'three')), { kind: 'published', version: 3, before: 1 })
  })

  test('is recorded with who, what and what was published before; nothing is where nothing changed', async () => {
    await publish(saying('audited', 'one'))
    await publish(saying('audited', 'two'), 'grace')
    await publish(saying('audited', 'two'), 'grace')
    await rollBackTemplate(pool, { templateId: 'audited', version: 1 }, 'ada')
    await rollBackTemplate(pool, { templateId: 'audited', version: 9 }, 'ada')
    const counts = { published: 1 }
    assert.deepEqual(await actionsOn('audited'), [
      { operator: 'ada', action: 'templates.publish', choices: { version: 1, before: null }, counts, finished: true },
      { operator: 'grace', action: 'templates.publish', choices: { version: 2, before: 1 }, counts, finished: true },
      { operator: 'ada', action: 'templates.rollback', choices: { version: 1, before: 2 }, counts, finished: true },
    ])
  })

  test('by many at once makes a version for each different text, and one is published', async () => {
    const texts = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    const publications = await Promise.all(texts.map((text) => publish(saying('crowded', text))))
    assert.deepEqual(
      publications.map(({ version }) => version).toSorted((a, b) => a - b),
      [1, 2, 3, 4, 5, 6, 7, 8],
    )
    const listed = await listTemplateVersions(pool, { templateId: 'crowded', limit: 10 })
    assert.equal(listed.filter(({ isPublished }) => isPublished).length, 1)
  })

  test('by many at once of the same text makes one version', async () => {
    const publications = await Promise.all(Array.from({ length: 6 }, () => publish(saying('agreed', 'same'))))
    assert.equal(publications.filter(({ kind }) => kind === 'published').length, 1)
  })

  test('that fails in the middle leaves what was', async () => {
    await publish(saying('whole', 'one'))
    const twice = draft('whole').contents[0]!
    await assert.rejects(publish(draft('whole', { contents: [twice, twice] })))
    assert.equal((await publishedOf('whole'))?.version, 1)
    assert.deepEqual((await listTemplateVersions(pool, { templateId: 'whole', limit: 10 })).length, 1)
    assert.equal((await actionsOn('whole')).length, 1)
  })

  test('gives a version back as it was published', async () => {
    const given = draft('returned')
    await publish(given)
    const byLocale = (a: { locale: string }, b: { locale: string }) => (a.locale < b.locale ? -1 : 1)
    const found = await loadTemplateVersion(pool, 'returned', 1)
    assert.deepEqual(
      { ...found, contents: [...(found?.contents ?? [])].toSorted(byLocale) },
      { ...given, version: 1, isPublished: true },
    )
    assert.equal(await loadTemplateVersion(pool, 'returned', 2), undefined)
    assert.equal(await loadTemplateVersion(pool, 'nobody', null), undefined)
  })

  test('lists the versions of all templates, by template, the newest first, at most so many', async () => {
    const all = await listTemplateVersions(pool, { templateId: null, limit: 1_000 })
    const ids = all.map(({ templateId }) => templateId)
    assert.deepEqual(ids, ids.toSorted())
    const [newest] = all.filter(({ templateId }) => templateId === 'first')
    assert.deepEqual(newest?.contents, ['email en', 'sms en ko'])
    assert.ok(newest.publishedAtMs !== null && Math.abs(newest.publishedAtMs - newest.createdAtMs) < 60_000)
    assert.equal((await listTemplateVersions(pool, { templateId: null, limit: 2 })).length, 2)
  })
})
