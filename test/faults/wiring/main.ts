/**
 * `node test/faults/wiring/main.ts <role> <flags>`: a role wired as src/roles/ wires it, from the same stages, but with
 * its infrastructure wrapped. That is how a process is made to die at a certain point, or to be wrong about the time,
 * while src/ knows nothing of either.
 *
 * - `FAULTS_CRASH_AT`: the point at which it kills itself; `FAULTS_CRASH_NOT_BEFORE_MS`: but not before this moment.
 * - `FAULTS_CLOCK_OFFSET_MS`: by how much its clock is ahead.
 */
import { Command } from 'commander'
import { roleCommand, type RoleDescription } from '../../../src/cli/role-command.ts'
import {
  deliverySections,
  openDeliveryInfrastructure,
  type DeliveryConfiguration,
  type DeliveryInfrastructure,
  type Infrastructure,
} from '../../../src/roles/infrastructure.ts'
import { feedbackSections, startFeedback } from '../../../src/roles/feedback.ts'
import type { RoleContext, RunRole } from '../../../src/roles/role.ts'
import { startRetries } from '../../../src/roles/retry.ts'
import { routerSections, startRouters } from '../../../src/roles/router.ts'
import { closingAfter, runRole } from '../../../src/roles/running-role.ts'
import { schedulerSections, startSchedulers } from '../../../src/roles/scheduler.ts'
import { senderSections, startSenders } from '../../../src/roles/sender.ts'
import { crashingAt, type WiredRole } from './crash.ts'
import { wrapCommits, wrapDatabase, wrapInfrastructure, type Wrapping } from './wrapped-infrastructure.ts'

function wrappingOf(role: WiredRole): Wrapping {
  const { FAULTS_CRASH_AT: point, FAULTS_CRASH_NOT_BEFORE_MS = '0', FAULTS_CLOCK_OFFSET_MS = '0' } = process.env
  const around = crashingAt({ role, point, notBeforeMs: Number(FAULTS_CRASH_NOT_BEFORE_MS) })
  wrapCommits(around)
  return { around, clockOffsetMs: Number(FAULTS_CLOCK_OFFSET_MS) }
}

async function runRouter(context: RoleContext): Promise<void> {
  const wrapping = wrappingOf('router')
  await runRole(
    {
      role: 'router',
      sections: routerSections,
      start: async (infrastructure, own) => {
        const opened = await openWrapped(infrastructure, own, wrapping)
        return closingAfter(await startRouters(opened, [own.lane.lane], own), opened)
      },
    },
    context,
  )
}

async function runSender(context: RoleContext): Promise<void> {
  const wrapping = wrappingOf('sender')
  await runRole(
    {
      role: 'sender',
      sections: senderSections,
      start: async (infrastructure, own) => {
        const { channel, lane, sender, addresses, providers, links } = own
        const opened = await openWrapped(infrastructure, own, wrapping)
        const served = [{ channel: channel.channel, lane: lane.lane }]
        const senders = await startSenders(opened, served, { ...sender, hashKey: addresses.hashKey, providers, links })
        return closingAfter(senders, opened)
      },
    },
    context,
  )
}

async function runRetry(context: RoleContext): Promise<void> {
  const wrapping = wrappingOf('retry')
  await runRole(
    {
      role: 'retry',
      sections: ['lane'],
      start: (infrastructure, { lane }) => startRetries(wrapInfrastructure(infrastructure, wrapping), [lane.lane]),
    },
    context,
  )
}

async function runScheduler(context: RoleContext): Promise<void> {
  const wrapping = wrappingOf('scheduler')
  await runRole(
    {
      role: 'scheduler',
      sections: [...schedulerSections, ...deliverySections],
      start: async (infrastructure, own) => {
        const opened = await openWrapped(infrastructure, own, wrapping)
        return closingAfter(startSchedulers(opened, own), opened)
      },
    },
    context,
  )
}

async function runFeedback(context: RoleContext): Promise<void> {
  const wrapping = wrappingOf('feedback')
  await runRole(
    {
      role: 'feedback',
      sections: [...feedbackSections, ...deliverySections],
      start: async (infrastructure, own) => {
        const opened = await openWrapped(infrastructure, own, wrapping)
        return closingAfter(await startFeedback(opened, own), opened)
      },
    },
    context,
  )
}

async function openWrapped(
  infrastructure: Infrastructure,
  own: DeliveryConfiguration,
  wrapping: Wrapping,
): Promise<DeliveryInfrastructure> {
  return wrapDatabase(await openDeliveryInfrastructure(wrapInfrastructure(infrastructure, wrapping), own), wrapping)
}

const roles: Record<WiredRole, { run: RunRole; flags: RoleDescription['flags'] }> = {
  router: { run: runRouter, flags: ['lane', 'adminPort'] },
  sender: { run: runSender, flags: ['channel', 'lane', 'adminPort'] },
  retry: { run: runRetry, flags: ['lane', 'adminPort'] },
  scheduler: { run: runScheduler, flags: ['adminPort'] },
  feedback: { run: runFeedback, flags: ['adminPort'] },
}

const program = new Command('wiring')
for (const [name, { run, flags }] of Object.entries(roles)) {
  program.addCommand(roleCommand({ name, summary: `the ${name}, wrapped`, flags, examples: [] }, run))
}
await program.parseAsync()
// As src/main.ts: a connection that somebody left open must not hold the process.
process.exit()
