/**
 * The end of the closed loop: an app of the demo's own asks the gateway for the funnel and the suppressions, as those do
 * who analyse.
 */
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { requestChannels } from '../../domain/channel.ts'
import { funnelRowSchema, type LoopAnswers } from '../../local/demo/loop-report.ts'
import { createApp } from '../../postgres/apps.ts'
import type { HotPathPool } from '../../postgres/hot-path-pool.ts'

export interface GatewayQuestions {
  pool: HotPathPool
  gatewayUrl: string
  /** How many deliveries the funnel has to have as sent before it is complete. */
  sent: number
  signal: AbortSignal
}

const appKey = 'demo-analyst'
const secretBytes = 32
const requestsPerSecond = 50
const answerLimitMs = 10_000
const funnelPollMs = 500
/** Many of the scheduler's rounds. */
const funnelLimitMs = 60_000

const analyticsSchema = z.object({ rows: z.array(funnelRowSchema) })
const suppressionsSchema = z.object({ counts: z.array(z.object({ cause: z.string(), count: z.int() })).nullable() })

/** @returns the funnel once it is complete, or as it is after a minute. Throws where the gateway refuses. */
export async function askGateway({ pool, gatewayUrl, sent, signal }: GatewayQuestions): Promise<LoopAnswers> {
  const authorization = await letIn(pool)
  const ask = async <Answer>(path: string, schema: z.ZodType<Answer>): Promise<Answer> => {
    const response = await fetch(new URL(path, gatewayUrl), {
      headers: { authorization },
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerLimitMs)]),
    })
    if (!response.ok) throw new Error(`the gateway answered ${response.status} to GET ${path}`)
    return schema.parse(await response.json())
  }
  const askFunnel = () => ask('/v1/analytics?groupBy=channel', analyticsSchema)
  const deadlineMs = performance.now() + funnelLimitMs
  let { rows: funnel } = await askFunnel()
  while (funnel.reduce((sum, row) => sum + row.sent, 0) < sent && performance.now() < deadlineMs) {
    await sleep(funnelPollMs, undefined, { signal })
    funnel = (await askFunnel()).rows
  }
  const suppressions = await Promise.all(
    requestChannels.map(async (channel) => {
      const { counts } = await ask(`/v1/suppressions?channel=${channel}&limit=1`, suppressionsSchema)
      return (counts ?? []).map(({ cause, count }) => ({ channel, cause, count }))
    }),
  )
  return { funnel, suppressions: suppressions.flat() }
}

/** @returns its credentials, as the header that carries them. */
async function letIn(pool: HotPathPool): Promise<string> {
  const secret = randomBytes(secretBytes).toString('base64url')
  const secretHash = createHash('sha256').update(secret).digest()
  const grants = { scopes: ['admin'], categories: null, channels: null, rateLimitPerSecond: requestsPerSecond } as const
  const action = { operator: 'fanfare demo', action: 'app.create', target: appKey, choices: {} }
  if (!(await createApp(pool, { appKey, ...grants, secretHash }, action))) throw new Error(`there is an app ${appKey}`)
  return `Basic ${Buffer.from(`${appKey}:${secret}`).toString('base64')}`
}
