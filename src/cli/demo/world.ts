/**
 * What the demo stands on: the stack, the simulated providers and the doors that they report to.
 */
import type { Environment } from '../../configuration/environment.ts'
import type { StackKind } from '../../configuration/sections.ts'
import type { KafkaConnection } from '../../kafka/connection.ts'
import { startSimulator, type Simulator } from '../../local/simulator/simulator.ts'
import type { StackEvent } from '../../local/stack/stack-event.ts'
import { stackSentence } from '../stack-sentence.ts'
import { scriptReports } from './closed-loop.ts'
import { openDemoStack, type DemoStack } from './demo-stack.ts'
import { chooseDoors, type Doors } from './doors.ts'
import type { Phases } from './phases.ts'

export interface World {
  stack: DemoStack
  simulator: Simulator
  kafka: KafkaConnection
  doors: Doors
}

export interface WorldStart {
  kind: StackKind
  directory: string
  environment: Environment
  signal: AbortSignal
  opened: AsyncDisposableStack
  phases: Phases
}

/** Whatever it opens is ended with `opened`. Throws where a part does not start. */
export async function startWorld({ kind, directory, environment, signal, opened, phases }: WorldStart): Promise<World> {
  const onEvent = (event: StackEvent) => {
    // That a part starts is said already.
    if (event.kind !== 'starting') phases.say(`  ${stackSentence(event)}`)
  }
  const starts = await Promise.allSettled([
    openDemoStack({ kind, directory, environment, onEvent, signal }),
    startSimulator(),
  ])
  const [stack, simulator] = starts
  // Whatever has started is ended, also when the other one has not.
  if (stack.status === 'fulfilled') opened.defer(() => stack.value.stop())
  if (simulator.status === 'fulfilled') opened.defer(() => simulator.value.stop())
  if (stack.status === 'rejected') throw stack.reason
  if (simulator.status === 'rejected') throw simulator.reason
  const doors = await chooseDoors()
  simulator.value.webhooks.aim({ target: doors.edgeUrl, publicUrl: doors.publicUrl })
  scriptReports(simulator.value.webhooks)
  const kafka: KafkaConnection = { brokers: stack.value.kafka.brokers, clientId: 'fanfare-demo', log: () => {} }
  return { stack: stack.value, simulator: simulator.value, kafka, doors }
}
