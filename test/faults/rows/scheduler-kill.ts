/**
 * Schedulers that die while what waited becomes due: at each point between their claim, publication and deletion, and
 * wherever a kill happens to meet them.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { RoleSpec } from '../supervisor/supervised-role.ts'
import { bulkRoles, unplannedEnds, type FaultRow } from './fault-row.ts'
import { wired } from './wired-roles.ts'

const volleys = 2
const schedulers: readonly RoleSpec[] = [
  wired(
    { name: 'scheduler', command: ['scheduler'] },
    { crashesAt: ['before-publish', 'after-publish', 'after-delete'] },
  ),
  wired(
    { name: 'scheduler-2', command: ['scheduler'] },
    { crashesAt: ['after-publish', 'after-delete', 'before-publish'] },
  ),
]
const pointsEach = 3
/** Every event waits for at least so long, and at most for twice as long. */
const waitMs = 8_000
/** A few at a time, so that a death meets a part of what is due. */
const publishEveryMs = 250
const crashesLimitMs = 60_000

export const schedulerKill: FaultRow = {
  name: 'scheduler-kill',
  fault: `SIGKILL scheduler ×${schedulers.length * (pointsEach + volleys)}, at its crash points and anywhere`,
  roles: [...bulkRoles, ...schedulers],
  run: async (bench) => {
    const { events, load, random } = bench
    const later = (count: number) =>
      load.publishEvents(
        Array.from({ length: count }, () => load.message({ sendAt: Date.now() + Math.round(waitMs * (1 + random())) })),
      )
    const rounds = Math.ceil(bench.faultMs / publishEveryMs)
    for (let round = 0; round < rounds; round += 1) {
      await later(Math.floor(events / (2 * rounds)))
      await wait(publishEveryMs)
    }
    const deadlineMs = performance.now() + crashesLimitMs
    const alive = () => schedulers.filter(({ name }) => bench.role(name).crashes().length < pointsEach)
    while (alive().length > 0 && performance.now() < deadlineMs) {
      await later(10)
      await wait(publishEveryMs)
    }
    const complaints = alive().map(({ name }) => `${name} did not die at each of its points`)
    await later(Math.max(0, events - load.published()))
    for (let volley = 0; volley < volleys; volley += 1) {
      await wait(waitMs * (0.5 + random()))
      for (const { name } of schedulers) await bench.kill(name)
      for (const { name } of schedulers) await bench.role(name).start()
    }
    return [...complaints, ...unplannedEnds(bench)]
  },
}
