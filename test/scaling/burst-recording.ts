/**
 * The recording that `record-burst.ts` made and the scaling rule is replayed with.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** From the project's folder. */
export const burstFile = 'docs/results/burst.json'

const recording = z.strictObject({
  /** Records that came to the topic in each second. */
  arrivalsPerSecond: z.array(z.int().min(0)),
  /** What one member at its limit commits in a second. */
  memberPerSecond: z.int().min(1),
  /** How long the group commits nothing when a member joins. */
  rebalanceSeconds: z.int().min(0),
  /** What the two above were read off. */
  committedPerSecond: z.array(z.int()),
  joinAtSecond: z.int(),
})
export type BurstRecording = z.infer<typeof recording>

export function readBurst(): BurstRecording {
  return recording.parse(JSON.parse(readFileSync(join(import.meta.dirname, '../..', burstFile), 'utf8')))
}
