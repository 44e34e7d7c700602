/** Every row of the matrix, in the order in which it is printed. */
import { dependencyRows } from './dependency-away.ts'
import type { FaultRow } from './fault-row.ts'
import { poison } from './poison.ts'
import { rebalanceStorm } from './rebalance-storm.ts'
import { rollingRestart } from './rolling-restart.ts'
import { routerKill } from './router-kill.ts'

export const matrix: readonly FaultRow[] = [routerKill, ...dependencyRows, rebalanceStorm, rollingRestart, poison]
