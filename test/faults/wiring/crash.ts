/**
 * The points at which a process can be made to die: just before or just after one of the steps that a crash could tear
 * apart.
 *
 * A step that is killed before it never reached the other side; one that is killed after it was answered, and nothing
 * that follows from the answer happened.
 */
import { writeSync } from 'node:fs'

const places = {
  router: {
    'before-record': { step: 'record-notifications', when: 'before' },
    'after-record': { step: 'record-notifications', when: 'after' },
    'after-forward': { step: 'send', when: 'after' },
    'before-commit': { step: 'commit', when: 'before' },
  },
  sender: {
    'before-claim': { step: 'claim-deliveries', when: 'before' },
    'after-claim': { step: 'claim-deliveries', when: 'after' },
    'after-call': { step: 'settle-deliveries', when: 'before' },
    'after-settle': { step: 'settle-deliveries', when: 'after' },
    'after-publish': { step: 'send', when: 'after' },
  },
  retry: {
    'after-publish': { step: 'send', when: 'after' },
  },
  scheduler: {
    'before-publish': { step: 'send', when: 'before' },
    'after-publish': { step: 'send', when: 'after' },
    'after-delete': { step: 'delete-scheduled-notifications', when: 'after' },
  },
  feedback: {
    'before-publish': { step: 'send', when: 'before' },
    'after-publish': { step: 'send', when: 'after' },
    'after-apply': { step: 'apply-reports', when: 'after' },
    'after-mark': { step: 'mark-funnel-hours', when: 'after' },
    'after-note': { step: 'record-soft-bounces', when: 'after' },
    'before-commit': { step: 'commit', when: 'before' },
  },
} as const satisfies Record<string, Record<string, { step: Step; when: 'before' | 'after' }>>

/** A statement of the database by its name, a send of records, a commit of offsets. */
export type Step =
  | 'record-notifications'
  | 'claim-deliveries'
  | 'settle-deliveries'
  | 'delete-scheduled-notifications'
  | 'apply-reports'
  | 'mark-funnel-hours'
  | 'record-soft-bounces'
  | 'send'
  | 'commit'
export type WiredRole = keyof typeof places
export type CrashPoint = { [Role in WiredRole]: keyof (typeof places)[Role] }[WiredRole]

export function crashPointsOf(role: WiredRole): CrashPoint[] {
  return Object.keys(places[role]) as CrashPoint[]
}

/** Does the step, unless the process dies before or after it. */
export type Around = <Result>(step: string, work: () => Promise<Result>) => Promise<Result>

export interface CrashSettings {
  role: WiredRole
  /** Undefined: nothing happens. */
  point: string | undefined
  /** Unix ms, by the true clock; before it the process passes its point unharmed. */
  notBeforeMs: number
}

/** @throws where the role has no such point. */
export function crashingAt({ role, point, notBeforeMs }: CrashSettings): Around {
  if (point === undefined) return (_step, work) => work()
  const place = (places[role] as Record<string, { step: Step; when: 'before' | 'after' }>)[point]
  if (place === undefined) throw new Error(`${role} has no crash point ${point}`)

  async function reach(step: string, when: 'before' | 'after'): Promise<void> {
    if (step === place?.step && when === place.when && Date.now() >= notBeforeMs) await die(`${role} ${point}`)
  }

  return async (step, work) => {
    await reach(step, 'before')
    const result = await work()
    await reach(step, 'after')
    return result
  }
}

/** As kill -9 from outside: no handler runs, nothing is flushed. Whatever may still run meanwhile does not return. */
function die(where: string): Promise<never> {
  writeSync(1, `${JSON.stringify({ msg: 'kills itself', where })}\n`)
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => {})
}
