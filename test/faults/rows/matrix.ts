/** Every row of the matrix, in the order in which it is printed. */
import { brokerFrozen } from './broker-frozen.ts'
import { brokerKill } from './broker-kill.ts'
import { channelPaused } from './channel-paused.ts'
import { clockSkew } from './clock-skew.ts'
import { crashPoints } from './crash-points.ts'
import { dependencyRows } from './dependency-away.ts'
import { troubleRows } from './dependency-trouble.ts'
import type { FaultRow } from './fault-row.ts'
import { feedbackBeforeSettle } from './feedback-before-settle.ts'
import { feedbackKill } from './feedback-kill.ts'
import { leaderMoves } from './leader-moves.ts'
import { lostProduceResponse } from './lost-produce-response.ts'
import { midnight } from './midnight.ts'
import { poison } from './poison.ts'
import { providerTrouble } from './provider-trouble.ts'
import { postgresDiskFull } from './postgres-disk-full.ts'
import { rebalanceStorm } from './rebalance-storm.ts'
import { rollingRestart } from './rolling-restart.ts'
import { redisDownCapped } from './redis-down-capped.ts'
import { redriveTwice } from './redrive-twice.ts'
import { rewind } from './rewind.ts'
import { retryKill } from './retry-kill.ts'
import { routerKill } from './router-kill.ts'
import { routerKillCapped } from './router-kill-capped.ts'
import { schedulerKill } from './scheduler-kill.ts'
import { senderFreeze } from './sender-freeze.ts'
import { senderKill } from './sender-kill.ts'
import { topicUnwritable } from './topic-unwritable.ts'
import { upstreamDuplicates } from './upstream-duplicates.ts'
import { webhookDisorder } from './webhook-disorder.ts'

export const matrix: readonly FaultRow[] = [
  routerKill,
  routerKillCapped,
  senderKill,
  retryKill,
  schedulerKill,
  crashPoints,
  senderFreeze,
  ...dependencyRows,
  redisDownCapped,
  ...troubleRows,
  postgresDiskFull,
  rebalanceStorm,
  rollingRestart,
  poison,
  upstreamDuplicates,
  redriveTwice,
  rewind,
  channelPaused,
  providerTrouble,
  lostProduceResponse,
  topicUnwritable,
  brokerKill,
  brokerFrozen,
  leaderMoves,
  clockSkew,
  midnight,
  feedbackKill,
  webhookDisorder,
  feedbackBeforeSettle,
]
