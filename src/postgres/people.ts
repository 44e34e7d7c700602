/**
 * People in Postgres: their contact data and devices as they change, and their erasure. One adapter for whoever brings
 * them (HTTP, import, users.changed), because one order of locks holds for all: what is registered (tokens, device ids),
 * then rows of devices by id, then users by id, then what belongs to them. Two transactions that keep it cannot deadlock;
 * the few that race in spite of it (an erasure beside a device that is just moving) run again.
 */
import { planDevices, type DeviceChanges, type DeviceRegistration, type HeldDevice } from '../domain/device-plan.ts'
import type { PersonChange } from '../domain/person-change.ts'
import type { HotPathPool, Queryable } from './hot-path-pool.ts'
import { transactionAgain } from './lost-race.ts'
import { loadStatement } from './statement.ts'
import { assertDistinct, column, safeIntegerOf, timestampOrNull } from './values.ts'

const lockRegistrationsStatement = loadStatement('lock-registrations')
const lockDevicesStatement = loadStatement('lock-devices')
const lockUsersStatement = loadStatement('lock-users')
const changeUsersStatement = loadStatement('change-users')
const removeDevicesStatement = loadStatement('remove-devices')
const registerDevicesStatement = loadStatement('register-devices')
const unregisterStatement = loadStatement('unregister-device')
const eraseStatement = loadStatement('erase-users')

/** Tells these advisory locks from others of the database. */
const registrationLocksClass = 5_030_148
const registrationLockStripes = 128

interface Changed {
  /** Whose data was written: all but those of whom the same or a higher external version is known. */
  written: number[]
  /** They, and whoever lost a device to one of them: whose profiles are others now. */
  touched: number[]
}

interface ErasedPerson {
  userId: number
  /** Whether there was anybody to erase. */
  existed: boolean
  /** Above every version that a reader can have seen of the person. */
  version: number
}

export interface People {
  /**
   * Writes them all or, where the database fails, none.
   * @param changes no two of a user (throws).
   */
  change(changes: readonly PersonChange[]): Promise<Changed>
  /** The token leaves whatever device had it. */
  registerDevice(registration: DeviceRegistration): Promise<'unknown_user' | Pick<Changed, 'touched'>>
  /** @returns whether the person had such a device. */
  unregisterDevice(device: Pick<DeviceRegistration, 'deviceId' | 'userId'>): Promise<boolean>
  /** With devices and settings. One for each id, none twice. */
  erase(userIds: readonly number[]): Promise<ErasedPerson[]>
}

export function createPeople(pool: HotPathPool): People {
  async function change(changes: readonly PersonChange[]): Promise<Changed> {
    assertDistinct(changes, ({ userId }) => String(userId), 'changes of people')
    if (changes.length === 0) return { written: [], touched: [] }
    return transactionAgain(pool, async (connection) => {
      const { held } = await lock(
        connection,
        deviceChangesOf(changes),
        column(changes, ({ userId }) => userId),
      )
      const rows = await connection.query<UserIdRow>(changeUsersStatement, userColumns(changes))
      const written = new Set(rows.map(toUserId))
      const devicesOfWritten = deviceChangesOf(changes.filter(({ userId }) => written.has(userId)))
      const losers = await writeDevices(connection, held, devicesOfWritten)
      return { written: [...written], touched: [...new Set([...written, ...losers])] }
    })
  }

  function registerDevice(registration: DeviceRegistration): ReturnType<People['registerDevice']> {
    const changes = { registrations: [withLowerCaseId(registration)], onlyDevices: new Map<number, Set<string>>() }
    return transactionAgain(pool, async (connection) => {
      const { held, users } = await lock(connection, changes, [registration.userId])
      if (!users.has(registration.userId)) return 'unknown_user'
      const losers = await writeDevices(connection, held, changes)
      return { touched: [...new Set([registration.userId, ...losers])] }
    })
  }

  async function erase(userIds: readonly number[]): Promise<ErasedPerson[]> {
    const asked = [...new Set(userIds)]
    if (asked.length === 0) return []
    return transactionAgain(pool, async (connection) => {
      await lock(connection, { registrations: [], onlyDevices: new Map(asked.map((id) => [id, new Set()])) }, asked)
      const rows = await connection.query<ErasedRow>(eraseStatement, [asked])
      return rows.map((row) => ({
        userId: toUserId(row),
        existed: row.existed,
        version: safeIntegerOf(row.version),
      }))
    })
  }

  return {
    change,
    registerDevice,
    unregisterDevice: async ({ deviceId, userId }) => {
      const rows = await transactionAgain(pool, (connection) =>
        connection.query(unregisterStatement, [deviceId, userId]),
      )
      return rows.length > 0
    },
    erase,
  }
}

interface UserIdRow {
  user_id: string
}
type ErasedRow = UserIdRow & { existed: boolean; version: string }

function toUserId({ user_id: userId }: UserIdRow): number {
  return safeIntegerOf(userId)
}

/** Postgres answers uuids in lower case, in whatever form they came. */
function withLowerCaseId<Item extends { deviceId: string }>(item: Item): Item {
  return { ...item, deviceId: item.deviceId.toLowerCase() }
}

function deviceChangesOf(changes: readonly PersonChange[]): DeviceChanges {
  const registrations: DeviceRegistration[] = []
  const onlyDevices = new Map<number, ReadonlySet<string>>()
  for (const { userId, devices } of changes) {
    if (devices === 'kept') continue
    const registered = devices.registered.map((device) => withLowerCaseId({ ...device, userId }))
    registrations.push(...registered)
    const leftAlone = devices.leftAlone.map((deviceId) => deviceId.toLowerCase())
    onlyDevices.set(userId, new Set([...registered.map(({ deviceId }) => deviceId), ...leftAlone]))
  }
  return { registrations, onlyDevices }
}

interface HeldRow extends UserIdRow {
  device_id: string
  token: string
  registered_at: number
}

/** Everything that the changes touch, in the one order; a person who loses a device is touched too. */
async function lock(
  connection: Queryable,
  { registrations, onlyDevices }: DeviceChanges,
  userIds: readonly number[],
): Promise<{ held: HeldDevice[]; users: ReadonlySet<number> }> {
  const deviceIds = column(registrations, ({ deviceId }) => deviceId)
  const tokens = column(registrations, ({ token }) => token)
  if (registrations.length > 0) {
    const names = [...deviceIds, ...tokens]
    // A statement of its own: the next one is to see what whoever had the locks has written.
    await connection.query(lockRegistrationsStatement, [names, registrationLocksClass, registrationLockStripes])
  }
  const rows =
    registrations.length === 0 && onlyDevices.size === 0
      ? []
      : await connection.query<HeldRow>(lockDevicesStatement, [deviceIds, tokens, [...onlyDevices.keys()]])
  const held = rows.map((row) => ({
    deviceId: row.device_id,
    userId: toUserId(row),
    token: row.token,
    registeredAt: row.registered_at,
  }))
  const touched = new Set([...userIds, ...held.map(({ userId }) => userId)])
  const users = await connection.query<UserIdRow>(lockUsersStatement, [[...touched]])
  return { held, users: new Set(users.map(toUserId)) }
}

/** @returns who had one of the devices before that are gone or others' now. */
async function writeDevices(
  connection: Queryable,
  held: readonly HeldDevice[],
  changes: DeviceChanges,
): Promise<number[]> {
  const { removed, registered } = planDevices(held, changes)
  // First, and in a statement of its own: the unique index of tokens is checked row by row.
  if (removed.length > 0) await connection.query(removeDevicesStatement, [removed])
  if (registered.length > 0) {
    await connection.query(registerDevicesStatement, [
      column(registered, ({ deviceId }) => deviceId),
      column(registered, ({ userId }) => userId),
      column(registered, ({ platform }) => platform),
      column(registered, ({ token }) => token),
      column(registered, ({ registeredAt }) => timestampOrNull(registeredAt)),
    ])
  }
  const moved = new Set([...removed, ...registered.map(({ deviceId }) => deviceId)])
  return held.filter(({ deviceId }) => moved.has(deviceId)).map(({ userId }) => userId)
}

function userColumns(changes: readonly PersonChange[]): unknown[] {
  const quietOf = ({ quietHours }: PersonChange) => (quietHours === 'kept' ? null : quietHours)
  return [
    column(changes, ({ userId }) => userId),
    column(changes, ({ contact }) => contact.email),
    column(changes, ({ contact }) => contact.phoneNumber),
    column(changes, ({ contact }) => contact.locale),
    column(changes, ({ contact }) => contact.timeZone),
    column(changes, (change) => quietOf(change)?.fromMinute ?? null),
    column(changes, (change) => quietOf(change)?.untilMinute ?? null),
    column(changes, ({ externalVersion }) => externalVersion),
    changes.filter(({ quietHours }) => quietHours === 'kept').map(({ userId }) => userId),
  ]
}
