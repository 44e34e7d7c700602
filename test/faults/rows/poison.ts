/** Poison of each kind among good records: each to the dead letters with its coordinates, its neighbours delivered. */
import type { Message } from 'kafkajs'
import type { Bench } from '../supervisor/bench.ts'
import { unplannedEnds, type FaultRow } from './fault-row.ts'

const copiesOfEach = 5
const rounds = 5
/** The source of events that the database refuses, whatever everybody before it thought of them. */
const refusedSource = 'refused'

export const poison: FaultRow = {
  name: 'poison',
  fault: 'Poison of each kind among good records',
  run: async (bench) => {
    // These are readable, and refused for what their headers say, or by the database.
    bench.schedule.expectedDeadLetters = ['bad_header', 'data_error']
    await bench.query(`alter table notifications add constraint refuses check (source <> '${refusedSource}')`)
    const statusSchemaId = await foreignSchemaId(bench)
    let sent = 0
    for (let round = 0; round < rounds; round += 1) {
      const load = bench.load.spread(Math.floor(bench.events / rounds), bench.faultMs / rounds)
      for (let copy = 0; copy < copiesOfEach; copy += 1) {
        const bad = poisonOfEachKind(bench, statusSchemaId)
        sent += bad.length
        await bench.load.publishRaw(bad)
      }
      await load
    }
    await bench.load.publish(bench.events - bench.load.published())
    await bench.untilSettled(60_000)
    return [
      ...(await refusals(bench)),
      ...(await isolated(bench)),
      ...unplannedEnds(bench),
      ...(sent === 0 ? ['no poison was sent'] : []),
    ]
  },
}

function poisonOfEachKind({ load }: Bench, statusSchemaId: number): Message[] {
  const good = () => load.message()
  const bytesOf = (message: Message) => message.value as Buffer
  const key = () => good().key ?? null
  const of = (value: Buffer | null): Message => ({ key: key(), value })
  return [
    of(null),
    ...[0, 1, 2, 3, 4, 5].map((length) => of(bytesOf(good()).subarray(0, length))),
    of(Buffer.concat([Buffer.of(1), bytesOf(good()).subarray(1)])),
    of(Buffer.from('{"notificationId":"json and no Avro"}')),
    load.message({}, 2 ** 31 - 1),
    load.message({}, statusSchemaId),
    of(bytesOf(good()).subarray(0, -3)),
    of(Buffer.concat([bytesOf(good()), Buffer.of(0)])),
    { ...good(), headers: { 'x-pass': 'minus one' } },
    // A pass that nothing deferred: forged.
    { ...good(), headers: { 'x-pass': '3' } },
    load.message({ source: refusedSource }),
    // Readable, and no request all the same: refused with a status.
    load.message({ notificationId: 'no uuid' }),
    load.message({ category: 'there is none of this name' }),
    load.message({ createdAt: Date.now() - 8 * 24 * 3_600_000 }),
    load.message({ createdAt: Date.now() + 2 * 3_600_000 }),
    load.message({ channels: ['pigeon'] }),
  ]
}

/** A valid id of a record that does not belong on the topic. */
async function foreignSchemaId({ world, topicPrefix }: Bench): Promise<number> {
  const subject = `${topicPrefix}notifications.delivery-status-value`
  const response = await fetch(`${world.stack.registry.url}/subjects/${subject}/versions/latest`)
  return ((await response.json()) as { id: number }).id
}

/** The log has what could be logged, each with the reason that it was refused for. */
async function refusals(bench: Bench): Promise<string[]> {
  const rows = await bench.query<{ reason: string; count: number }>(
    `select reason, count(*)::integer as count from notifications where decision = 'failed' group by reason`,
  )
  const counts = Object.fromEntries(rows.map(({ reason, count }) => [reason, count]))
  const wanted = { unknown_category: copiesOfEach * rounds, invalid_request: copiesOfEach * rounds }
  return Object.entries(wanted)
    .filter(([reason, count]) => counts[reason] !== count)
    .map(([reason, count]) => `${counts[reason] ?? 0} of ${count} requests were refused as ${reason}`)
}

/** What the database refuses takes no neighbour of its statement with it. */
async function isolated(bench: Bench): Promise<string[]> {
  const metrics = await bench.role('router').metrics()
  const letters = metrics.matchAll(/^fanfare_dead_letters_total\{[^}]*reason="data_error"[^}]*\} (\d+)$/gm)
  const count = [...letters].reduce((sum, [, value]) => sum + Number(value), 0)
  const sent = copiesOfEach * rounds
  return count === sent ? [] : [`${count} records were dead-lettered as data_error instead of ${sent}`]
}
