/**
 * A ScaledObject as the numbers that decide how many members there are: read from what is deployed, so that the replay
 * judges nothing else.
 */
import { z } from 'zod'
import type { Manifest } from '../support/deployment/overlays.ts'

export interface ScalingRule {
  minMembers: number
  maxMembers: number
  drain: { targetSeconds: number }
  lag: { recordsPerMember: number }
  /** Null for a rule without that trigger. Calls of a member count up to `callsPerMember`. */
  busy: { callsPerMember: number; windowSeconds: number } | null
  up: { windowSeconds: number; percent: number; periodSeconds: number }
  down: { windowSeconds: number; members: number; periodSeconds: number }
}

const policies = <Type extends string>(type: Type) =>
  z.tuple([z.strictObject({ type: z.literal(type), value: z.number(), periodSeconds: z.number() })])

const spec = z.object({
  minReplicaCount: z.number(),
  maxReplicaCount: z.number(),
  triggers: z.tuple([
    z.object({
      name: z.literal('seconds-to-drain'),
      metricType: z.literal('Value'),
      metadata: z.object({ query: z.string(), threshold: z.coerce.number() }),
    }),
    z.object({
      name: z.literal('lag'),
      metricType: z.literal('AverageValue'),
      metadata: z.object({ lagThreshold: z.coerce.number(), ensureEvenDistributionOfPartitions: z.literal('true') }),
    }),
    z.object({
      name: z.literal('busy'),
      metricType: z.literal('AverageValue'),
      metadata: z.object({ query: z.string(), threshold: z.literal('1') }),
    }),
  ]),
  advanced: z.object({
    horizontalPodAutoscalerConfig: z.object({
      behavior: z.object({
        scaleUp: z.object({ stabilizationWindowSeconds: z.number(), policies: policies('Percent') }),
        scaleDown: z.object({ stabilizationWindowSeconds: z.number(), policies: policies('Pods') }),
      }),
    }),
  }),
})

/** Of a sender's ScaledObject: its busy trigger counts calls. Throws where its form is another. */
export function scalingRuleOf(manifest: Manifest): ScalingRule {
  const { minReplicaCount, maxReplicaCount, triggers, advanced } = spec.parse(manifest['spec'])
  const [drain, lag, busy] = triggers
  const { scaleUp, scaleDown } = advanced.horizontalPodAutoscalerConfig.behavior
  return {
    minMembers: minReplicaCount,
    maxMembers: maxReplicaCount,
    drain: { targetSeconds: drain.metadata.threshold },
    lag: { recordsPerMember: lag.metadata.lagThreshold },
    busy: {
      callsPerMember: numberOf(busy.metadata.query, /, (\d+)\)\) \//),
      windowSeconds: secondsOf(busy.metadata.query, /\[(\d+)([sm])\]/),
    },
    up: {
      windowSeconds: scaleUp.stabilizationWindowSeconds,
      percent: scaleUp.policies[0].value,
      periodSeconds: scaleUp.policies[0].periodSeconds,
    },
    down: {
      windowSeconds: scaleDown.stabilizationWindowSeconds,
      members: scaleDown.policies[0].value,
      periodSeconds: scaleDown.policies[0].periodSeconds,
    },
  }
}

function numberOf(query: string, pattern: RegExp): number {
  const found = pattern.exec(query)
  if (found === null) throw new Error(`${query} has no ${pattern.source}`)
  return Number(found[1])
}

function secondsOf(query: string, pattern: RegExp): number {
  return numberOf(query, pattern) * (pattern.exec(query)?.[2] === 'm' ? 60 : 1)
}
