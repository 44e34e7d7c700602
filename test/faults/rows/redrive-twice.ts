/**
 * Dead letters that an operator brings back: by two commands at once while a part of the providers' trouble goes on, then
 * again when it is over, then from the start. Each delivery is accepted once, whoever brings it back how often.
 */
import type { Bench } from '../supervisor/bench.ts'
import { unplannedEnds, type FaultRow } from './fault-row.ts'

const queues = ['sms', 'email', 'ios']
const providers = ['twilio', 'sendgrid', 'apns'] as const
const settleLimitMs = 60_000

export const redriveTwice: FaultRow = {
  name: 'redrive-twice',
  fault: 'Dead letters redriven twice, and from the start',
  run: async (bench) => {
    const { events, load, simulator, schedule } = bench
    schedule.expectedDeadLetters = ['attempts_exhausted']
    schedule.redriven = true
    await bench.query(`update categories set attempts = '{"push": 1, "sms": 1, "email": 1}'`)
    await load.publish(Math.floor(events / 4))
    await bench.untilSettled(settleLimitMs)
    refuse(bench, [''])
    await load.publish(Math.floor(events / 2))
    await bench.untilSettled(settleLimitMs)
    const exhausted = await exhaustedOf(bench)

    // Two addresses of ten are refused still: what is for them comes back to the dead letters.
    simulator.faults.clear()
    refuse(bench, ['3', '7', '3@example.com', '7@example.com'])
    // Each set of filters goes on where it stopped itself: side by side, these bring back the same letters.
    const [brought] = await Promise.all([
      redrive(bench, ['--rate', '200'], ['--rate', '200', '--reason', 'attempts_exhausted']),
      load.publish(events - load.published()),
    ])
    await bench.untilSettled(settleLimitMs)
    const again = await exhaustedOf(bench)

    simulator.faults.clear()
    const broughtAgain = await redrive(bench, ['--rate', '200'])
    await bench.untilSettled(settleLimitMs)
    const left = await exhaustedOf(bench)
    schedule.rewindsAtMs = [...schedule.rewindsAtMs, Date.now()]
    const broughtFromStart = await redrive(bench, ['--from-start'])
    return [
      ...(brought > exhausted && exhausted > 0 ? [] : [`${brought} letters of ${exhausted} came back at first`]),
      ...(broughtAgain >= again && again > 0 ? [] : [`${broughtAgain} letters of ${again} came back then`]),
      ...(left === 0 ? [] : [`${left} deliveries had failed at the end`]),
      ...(broughtFromStart === 0 ? [] : [`${broughtFromStart} letters came back although their deliveries were sent`]),
      ...unplannedEnds(bench),
    ]
  },
}

/** Every address that ends so, from now on, at every provider. */
function refuse({ simulator }: Bench, endings: readonly string[]): void {
  simulator.faults.add(
    ...providers.flatMap((provider) =>
      endings.map((address) => ({
        provider,
        ...(address === '' ? {} : { match: { address } }),
        fault: { kind: 'status' as const, status: 503 },
      })),
    ),
  )
}

async function exhaustedOf(bench: Bench): Promise<number> {
  const [row] = await bench.query<{ count: number }>(
    `select count(*)::integer as count from deliveries where state = 'failed' and reason = 'attempts_exhausted'`,
  )
  return row?.count ?? 0
}

/**
 * The real command on one queue after the other, with each of the choices side by side.
 * @returns how many letters it says it brought back.
 */
async function redrive(bench: Bench, ...choices: readonly (readonly string[])[]): Promise<number> {
  let brought = 0
  for (const queue of queues) {
    const outputs = await Promise.all(choices.map((flags) => run(bench, ['dlq', 'redrive', queue, ...flags])))
    for (const output of outputs) brought += Number(/brought back (\d+) of/.exec(output)?.[1])
  }
  return brought
}

/** Once more where it failed, as an operator would: it goes on where it stopped. */
async function run(bench: Bench, command: readonly string[]): Promise<string> {
  return bench.command(...command).catch(() => bench.command(...command))
}
