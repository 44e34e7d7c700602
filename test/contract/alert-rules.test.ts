import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { latencyBuckets, latencyObjectives } from '../../src/telemetry/delivery-metrics.ts'
import { daysAheadMin } from '../../src/services/maintenance/maintain.ts'
import { declaredMetrics, unknownToSource } from '../support/declared-metrics.ts'
import { promtoolMissing } from '../support/deployment/promql.ts'

const root = join(import.meta.dirname, '../..')
const rulesFolder = join(root, 'monitoring/rules')
const testsFolder = join(root, 'monitoring/rule-tests')
const runbook = readFileSync(join(root, 'docs/operations.md'), 'utf8')

const alert = z.strictObject({
  alert: z.string().regex(/^Fanfare[A-Za-z]+$/),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(['page', 'ticket']) }),
  annotations: z.strictObject({ summary: z.string(), runbook: z.string() }),
})
const recording = z.strictObject({ record: z.string().regex(/^fanfare:/), expr: z.string() })
const ruleFile = z.strictObject({
  groups: z.array(z.strictObject({ name: z.string(), rules: z.array(z.union([alert, recording])) })),
})
const testFile = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })),
    }),
  ),
})

const readYaml = (folder: string) => readdirSync(folder).map((file) => parse(readFileSync(join(folder, file), 'utf8')))
const rules = readYaml(rulesFolder)
  .map((file) => ruleFile.parse(file))
  .flatMap(({ groups }) => groups.flatMap((group) => group.rules))
const alerts = rules.filter((rule) => 'alert' in rule)
const cases = readYaml(testsFolder)
  .map((file) => testFile.parse(file))
  .flatMap(({ tests }) => tests.flatMap((each) => each.alert_rule_test))

/** As GitHub makes them of headings. */
const anchors = new Set(
  [...runbook.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-'),
  ),
)

function promtool(...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', cwd: root })
  assert.equal(status, 0, `${stdout}${stderr}`)
}

describe('the alerts', () => {
  test('are each in the runbook, in the table and with a section of their own', () => {
    assert.ok(alerts.length > 0)
    for (const { alert: name, annotations, labels } of alerts) {
      const [file, anchor = ''] = annotations.runbook.split('#')
      assert.equal(file, 'docs/operations.md', name)
      assert.ok(anchors.has(anchor), `${name}: docs/operations.md has no section #${anchor}`)
      const row = runbook.split('\n').find((line) => line.startsWith(`| \`${name}\` |`))
      assert.ok(row !== undefined, `${name} is not in the table of docs/operations.md`)
      assert.ok(row.includes(`| ${labels.severity} |`), row)
      assert.ok(row.includes(`](#${anchor})`), row)
    }
    const documented = [...runbook.matchAll(/^\| `(Fanfare[A-Za-z]+)` \|/gm)].map(([, name]) => name)
    assert.deepEqual(
      documented,
      alerts.map((each) => each.alert),
    )
  })

  test('ask for metrics and labels that there are', async () => {
    const declared = await declaredMetrics()
    const recorded = new Set(rules.flatMap((rule) => ('record' in rule ? rule.record : [])))
    for (const rule of rules) assert.deepEqual(unknownToSource(rule.expr, declared, recorded), [], JSON.stringify(rule))
    assert.notDeepEqual(unknownToSource('fanfare_nothing', declared, recorded), [])
    assert.notDeepEqual(unknownToSource('fanfare_statuses_total{user="1"}', declared, recorded), [])
  })

  test('fire in at least one case, and are silent in another', () => {
    for (const { alert: name } of alerts) {
      const own = cases.filter(({ alertname }) => alertname === name)
      assert.ok(
        own.some((each) => each.exp_alerts.length > 0),
        `${name} never fires`,
      )
      assert.ok(
        own.some((each) => each.exp_alerts.length === 0),
        `${name} is never silent`,
      )
    }
    for (const { alertname } of cases)
      assert.ok(
        alerts.some((each) => each.alert === alertname),
        alertname,
      )
  })

  test('go by the objective that is written down, whose limits are bounds of buckets', () => {
    const { text } = { text: rules.map(({ expr }) => expr).join('\n') }
    for (const [lane, { seconds, ratio }] of Object.entries(latencyObjectives)) {
      assert.ok(latencyBuckets.includes(seconds))
      assert.ok(text.includes(`lane="${lane}",le=~"${seconds}([.]0)?"`), lane)
      assert.equal(ratio, 0.99)
      assert.ok(runbook.includes(`99 % of the lane \`${lane}\``), lane)
      assert.match(runbook, new RegExp(`\`${lane}\`[^.]*within ${seconds} s`))
    }
    assert.ok(text.includes('14.4 * 0.01') && text.includes('6 * 0.01'))
  })

  test('tell of partitions as early as maintenance does', () => {
    const runOut = alerts.find((each) => each.alert === 'FanfarePartitionsRunOut')
    assert.ok(runOut?.expr.endsWith(`/ 86400 < ${daysAheadMin}`))
  })
})

describe('promtool', { skip: promtoolMissing }, () => {
  test('accepts the rules', () => promtool('check', 'rules', ...filesOf(rulesFolder)))
  test('finds every case to come out as it says', () => promtool('test', 'rules', ...filesOf(testsFolder)))
})

function filesOf(folder: string): string[] {
  return readdirSync(folder).map((file) => join(folder, file))
}
