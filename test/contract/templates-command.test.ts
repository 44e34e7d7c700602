import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { after, before, describe, test, type TestContext } from 'node:test'
import { templateFiles } from '../support/builders/template-files.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const root = resolve(import.meta.dirname, '../..')
const examples = 'examples/templates'

/** As a person calls it; without a database unless one is given. */
function templates(args: readonly string[], databaseUrl?: string) {
  const env = { PATH: process.env['PATH'], ...(databaseUrl === undefined ? {} : { FANFARE_POSTGRES_URL: databaseUrl }) }
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((done) => {
    const child = execFile(
      process.execPath,
      ['src/main.ts', 'templates', ...args],
      { cwd: root, env },
      (_, stdout, stderr) => done({ code: child.exitCode, stdout, stderr }),
    )
  })
}

async function folderOf(t: TestContext, files: ReadonlyMap<string, string>): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'fanfare-'))
  t.after(() => rm(parent, { recursive: true }))
  const folder = join(parent, 'back-in-stock')
  await writeFiles(folder, files)
  return folder
}

async function writeFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}

describe('fanfare templates, of a folder and without a database', () => {
  test('check goes through with every example, and says what each has and needs', async () => {
    const { stdout, stderr, code } = await templates(['check', examples])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^back-in-stock: push en ko, email en ko; needs date, item_name$/m)
    assert.match(stdout, /^order-receipt: .*; needs lines, lines\[\]\.name, /m)
    assert.equal(stdout.trim().split('\n').length, 6)
  })

  test('check says every fault with its file, and ends with 1', async (t) => {
    const folder = await folderOf(t, templateFiles({ 'en/sms.txt': '{{ date }}', 'en/push.yaml': 'title: 1\nbody: x' }))
    const { stdout, stderr, code } = await templates(['check', folder])
    assert.deepEqual([code, stdout], [1, ''])
    assert.deepEqual(stderr.trimEnd().split('\n'), [
      'fanfare: the templates have 2 faults',
      `${folder}/en/push.yaml, title: expected text, received 1`,
      `${folder}/template.yaml, samples.umbrella: expected date, which en/sms.txt needs (or is it optional?), received nothing`,
    ])
  })

  test('check says where there is no template at all', async () => {
    const runs = [await templates(['check', 'no/such/folder']), await templates(['check', 'src/domain'])]
    for (const { code, stderr } of runs) {
      assert.equal(code, 1)
      assert.match(stderr, /^fanfare: (there is no folder|no template\.yaml in) /)
    }
  })

  test('preview shows what each channel gets in the best locale, the book’s words among it', async () => {
    const { stdout, code } = await templates(['preview', `${examples}/back-in-stock`, '--locale', 'en-GB'])
    assert.equal(code, 0)
    assert.match(
      stdout,
      /^push, en\n {2}title +Umbrella is back\n {2}body +You dreamed of it\. We dared it\. Umbrella is back — only until 1 October\.$/m,
    )
    assert.match(stdout, /^ {2}button +Order Now\. Or, Save My Umbrella$/m)
    assert.match(stdout, /^ {2}deep link +fanfare-shop:\/\/items\?name=Umbrella$/m)
    assert.match(stdout, /^email, en\n {2}subject +Umbrella is back$/m)
  })

  test('preview takes data over the sample’s, counts what an SMS costs, and shows one channel alone', async () => {
    const args = ['preview', `${examples}/login-code`, '--channel', 'sms', '--locale', 'ko-KR', '--data', 'code=7']
    const { stdout } = await templates(args)
    assert.match(
      stdout,
      /^sms, ko\n {2}text +\[Fanfare\] 인증번호 7 \(10분 유효\)\. .*\n {2}costs +1 segment \(\d+ characters\)\n\n$/,
    )
  })

  test('preview writes the HTML of the email, escaped', async (t) => {
    const out = await mkdtemp(join(tmpdir(), 'fanfare-'))
    t.after(() => rm(out, { recursive: true }))
    const { stdout } = await templates(['preview', `${examples}/order-receipt`, '--channel', 'email', '--out', out])
    const path = join(out, 'order-receipt.en.html')
    assert.ok(stdout.includes(path))
    const html = await readFile(path, 'utf8')
    assert.match(html, /Tea &amp; scones &lt;set&gt;/)
    assert.doesNotMatch(html, /\{[{%]/)
  })

  test('preview names the samples where it does not know one', async () => {
    const { stderr, code } = await templates(['preview', `${examples}/back-in-stock`, '--sample', 'lamp'])
    assert.equal(code, 1)
    assert.match(stderr, /no sample "lamp"; there are: umbrella, awkward name$/m)
  })
})

describe('fanfare templates, with a database', () => {
  let database: TestDatabase
  before(async () => {
    database = await createTestDatabase()
  })
  after(() => database.drop())

  const run = (...args: string[]) => templates(args, database.url)
  const versionsIn = async () =>
    Number((await database.query<{ count: string }>('select count(*) from templates'))[0]?.count)

  test('publishes a folder, then a change of it, goes back, and says who did what', async (t) => {
    const folder = await folderOf(t, templateFiles())
    const first = await run('publish', folder, '--as', 'ada')
    assert.equal(first.code, 0, first.stderr)
    assert.equal(first.stdout, 'back-in-stock: version 1 is published, its first\n')
    assert.equal((await run('publish', folder)).stdout, 'back-in-stock: version 1 is published and says the same\n')
    await writeFiles(folder, templateFiles({ 'en/sms.txt': 'Look: {{ item_name }}' }))
    assert.equal((await run('publish', folder)).stdout, 'back-in-stock: version 2 is published, instead of 1\n')

    const preview = ['preview', 'back-in-stock', '--channel', 'sms', '--data', 'item_name=Lamp']
    assert.match((await run(...preview)).stdout, /Look: Lamp/)
    assert.match((await run(...preview, '--version', '1')).stdout, /Lamp is back\./)

    assert.match(
      (await run('rollback', 'back-in-stock', '--to', '1', '--as', 'grace')).stdout,
      /^back-in-stock: version 1 is published, instead of 2$/m,
    )
    assert.match((await run(...preview)).stdout, /Lamp is back\./)
    const { stdout } = await run('list', 'back-in-stock')
    assert.match(stdout, /^ +back-in-stock +2 +- .*\n +back-in-stock +1 +yes .* grace +en +email en, push en, sms en$/m)

    const missing = await run('preview', 'back-in-stock')
    assert.equal(missing.code, 1)
    assert.match(missing.stdout, /^push, en\n {2}failed: missing_variable \(item_name\)$/m)
  })

  test('publishes nothing where one of several has a fault', async (t) => {
    const folder = await folderOf(t, templateFiles())
    await writeFiles(join(folder, '../z-broken'), templateFiles({ 'en/sms.txt': '{{' }))
    const before = await versionsIn()
    const { code, stderr } = await run('publish', dirname(folder))
    assert.equal(code, 1)
    assert.match(stderr, /z-broken\/en\/sms\.txt: expected liquid/)
    assert.equal(await versionsIn(), before)
  })

  test('says what is not there', async () => {
    const runs = [
      await run('rollback', 'back-in-stock', '--to', '99'),
      await run('preview', 'no-such-template'),
      await run('preview', 'back-in-stock', '--sample', 'umbrella'),
    ]
    for (const { code, stderr } of runs) {
      assert.equal(code, 1)
      assert.match(stderr, /^fanfare: .*(has no version 99|no published template|the database has none)/)
    }
    assert.match((await run('list', 'no-such-template')).stdout, /^there is no template$/m)
  })
})
