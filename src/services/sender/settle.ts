/**
 * Stage 6, settle: what became of a call, written under the hop's fence, many in one statement.
 *
 * Settling in batches is the sender's lever. While one statement runs the next one's settlements gather; a lone one
 * waits a moment for company. A lost database is waited for: the outcome lives only here until it is written.
 */
import type { SettledDelivery, Settlement } from '../../domain/settlement.ts'
import type { SenderPorts } from './ports.ts'
import { settleBatchMax, settleLingerMs } from './sender-settings.ts'
import type { Patience } from './until-available.ts'

export interface Settler {
  /** The row afterwards. Rejects only where the database refuses this settlement itself. */
  settle(settlement: Settlement): Promise<SettledDelivery>
}

interface Waiting {
  settlement: Settlement
  settled: PromiseWithResolvers<SettledDelivery>
}

export function createSettler(ports: Pick<SenderPorts, 'rows' | 'sleep'>, patience: Patience): Settler {
  let waiting: Waiting[] = []
  let running = false

  function settle(settlement: Settlement): Promise<SettledDelivery> {
    const settled = Promise.withResolvers<SettledDelivery>()
    waiting.push({ settlement, settled })
    if (!running) void run()
    return settled.promise
  }

  /** Never rejects: every failure is some settlement's own. */
  async function run(): Promise<void> {
    running = true
    while (waiting.length > 0) {
      if (waiting.length < settleBatchMax) await ports.sleep(settleLingerMs)
      const batch = waiting.slice(0, settleBatchMax)
      waiting = waiting.slice(settleBatchMax)
      await settleBatch(batch)
    }
    // In the same step that found nothing waiting: a settlement that comes a moment later has to begin a new round.
    running = false
  }

  async function settleBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const settlements = batch.map((each) => each.settlement)
      const rows = await patience.untilAvailable('settle', () => ports.rows.settle(settlements))
      const rowOf = new Map(rows.map((row) => [row.deliveryId, row]))
      for (const { settlement, settled } of batch) {
        const row = rowOf.get(settlement.deliveryId)
        if (row === undefined) settled.reject(new Error('a settled delivery has no row'))
        else settled.resolve(row)
      }
    } catch (error) {
      const [only] = batch
      if (batch.length === 1) {
        only?.settled.reject(error)
        return
      }
      // One settlement that the database refuses must not take its neighbours' outcomes with it.
      const middle = Math.ceil(batch.length / 2)
      await settleBatch(batch.slice(0, middle))
      await settleBatch(batch.slice(middle))
    }
  }

  return { settle }
}
