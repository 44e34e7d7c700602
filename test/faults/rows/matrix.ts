/** Every row of the matrix, in the order in which it is printed. */
import { dependencyRows } from './dependency-away.ts'
import type { FaultRow } from './fault-row.ts'
import { poison } from './poison.ts'
import { rebalanceStorm } from './rebalance-storm.ts'
import { rollingRestart } from './rolling-restart.ts'
import { retryKill } from './retry-kill.ts'
import { routerKill } from './router-kill.ts'
import { senderFreeze } from './sender-freeze.ts'
import { senderKill } from './sender-kill.ts'
import { upstreamDuplicates } from './upstream-duplicates.ts'

export const matrix: readonly FaultRow[] = [
  routerKill,
  senderKill,
  retryKill,
  senderFreeze,
  ...dependencyRows,
  rebalanceStorm,
  rollingRestart,
  poison,
  upstreamDuplicates,
]
