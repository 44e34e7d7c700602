/**
 * Our own schemas, as avro/ has them: one file per record.
 */
import { readFileSync } from 'node:fs'
import type { DeliveryCommand } from '../../domain/delivery-command.ts'
import type { DeliveryStatus } from '../../domain/delivery-status.ts'
import type { NotificationCancelled, NotificationRequested } from '../../domain/notification.ts'
import type { ProviderFeedback } from '../../domain/provider-feedback.ts'
import type { UserChanged } from '../../domain/user-changed.ts'

/** The records that this program reads and writes, by the name of their schema. */
export interface RecordTypes {
  NotificationRequested: NotificationRequested
  NotificationCancelled: NotificationCancelled
  DeliveryCommand: DeliveryCommand
  DeliveryStatus: DeliveryStatus
  ProviderFeedback: ProviderFeedback
  UserChanged: UserChanged
}
export type RecordName = keyof RecordTypes

const fileNames = {
  NotificationRequested: 'notification-requested.avsc',
  NotificationCancelled: 'notification-cancelled.avsc',
  DeliveryCommand: 'delivery-command.avsc',
  DeliveryStatus: 'delivery-status.avsc',
  ProviderFeedback: 'provider-feedback.avsc',
  UserChanged: 'user-changed.avsc',
} as const satisfies Record<RecordName, string> & Record<string, string>
export type RecordSchemaName = keyof typeof fileNames

export function isRecordSchemaName(name: string): name is RecordSchemaName {
  return Object.hasOwn(fileNames, name)
}

const namespace = 'fanfare.v1'

/** `fanfare.v1.DeliveryCommand`, as decoders and subjects know it. */
export function fullRecordName(record: RecordSchemaName): string {
  return `${namespace}.${record}`
}

/** The schema's JSON on one line. Registering and looking up must send the same text: a registry may compare it as such. */
export function readRecordSchema(record: RecordSchemaName): string {
  const file = new URL(`../../../avro/${fileNames[record]}`, import.meta.url)
  return JSON.stringify(JSON.parse(readFileSync(file, 'utf8')))
}
