/**
 * The profiles role: users.changed → people and devices, in the database and then in the cache.
 *
 * decode → fold → erase → change → write through → dead letters. Every step may be repeated: what is written already is
 * of no higher version, and an erasure finds nobody. So a crash anywhere costs a redelivery of the chunk and nothing else;
 * the cache is written for all of the chunk, also for those whose rows a dead process had written.
 */
import type { PersonChange } from '../../domain/person-change.ts'
import type { ConsumedRecord } from '../../domain/record.ts'
import type { UserChanged } from '../../domain/user-changed.ts'
import { erasePeople } from '../people/erase.ts'
import { writeThrough } from '../people/write-through.ts'
import { decode } from './decode.ts'
import { fold } from './fold.ts'
import type { ProfilesPorts } from './ports.ts'

/** Settles every record, or throws: DependencyUnavailable while something is away. */
export async function handleChanges(records: readonly ConsumedRecord[], ports: ProfilesPorts): Promise<void> {
  const { words, deadLetters } = await decode(records, ports)
  const { erased, changes } = fold(words)
  if (erased.length > 0) await erasePeople(erased, ports.erasure)
  const written = changes.length === 0 ? [] : await change(changes, ports)
  await ports.publish(deadLetters.map(({ record, reason, error }) => ports.deadLetter(record, reason, error)))
  for (const { reason } of deadLetters) ports.observe({ kind: 'dead_letter', reason })
  // What the fold passed over was of no higher version either.
  const stale = words.length - erased.length - written.length
  ports.observe({ kind: 'people', written: written.length, stale: Math.max(0, stale), erased: erased.length })
}

/** @returns whose data was written. */
async function change(changes: readonly UserChanged[], ports: ProfilesPorts): Promise<readonly number[]> {
  const { written, touched } = await ports.change(changes.map(toPersonChange))
  await writeThrough([...new Set([...changes.map(({ userId }) => userId), ...touched])], ports.writeThrough)
  return written
}

function toPersonChange({ userId, version, devices, ...change }: UserChanged): PersonChange {
  const { email, phoneNumber, locale, timeZone } = change
  return {
    userId,
    contact: { email, phoneNumber, locale, timeZone },
    // They are the person's own to set, and no record knows them.
    quietHours: 'kept',
    externalVersion: version,
    devices: {
      registered: devices.flatMap(({ platform, ...device }) => (platform === 'UNKNOWN' ? [] : { ...device, platform })),
      leftAlone: devices.flatMap(({ platform, deviceId }) => (platform === 'UNKNOWN' ? deviceId : [])),
    },
  }
}
