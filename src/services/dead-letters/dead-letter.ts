/**
 * A dead letter as far as operators may see it: why and from where it came, and what it is about. Never an address, a
 * key or anything of a message.
 *
 * Its headers came over topics that others may write to, so they are words to be shown and not to be believed.
 */
import { holdsCommands, type DeadLetterQueue } from '../../domain/dead-letter-queue.ts'
import type { DeliveryCommand } from '../../domain/delivery-command.ts'
import type { NotificationCancelled, NotificationRequested } from '../../domain/notification.ts'
import type { PoisonReason } from '../../domain/reason.ts'
import type { ConsumedRecord } from '../../domain/record.ts'
import { headerNames, readRedrives, readText } from '../../domain/record-headers.ts'
import type { StoredDelivery } from '../../domain/stored-delivery.ts'

export type DecodedDeadLetter =
  | { kind: 'command'; command: DeliveryCommand }
  | { kind: 'requested'; event: NotificationRequested }
  | { kind: 'cancelled'; event: NotificationCancelled }
  | { kind: 'unreadable'; reason: PoisonReason }
  /** A queue whose records this version has no reader for: they go back as they are. */
  | { kind: 'opaque' }

export interface DeadLetter {
  queue: DeadLetterQueue
  record: ConsumedRecord
  /** Of the closed list, unless somebody else wrote the header. */
  reason: string
  /** How often it was brought back before it came here; undefined where the header is malformed. */
  redrives: number | undefined
  content: DecodedDeadLetter
  /** The delivery's row, where the record is a command and has one. */
  row: StoredDelivery | undefined
}

export interface DeadLetterPorts {
  /** One result for each value, in order. Throws DependencyUnavailable when a schema cannot be had now. */
  decode(queue: DeadLetterQueue, values: readonly (Uint8Array | null)[]): Promise<DecodedDeadLetter[]>
  loadDeliveries(deliveryIds: readonly string[]): Promise<ReadonlyMap<string, StoredDelivery>>
}

/** One for each record, in order; the rows of all commands in one go. */
export async function readDeadLetters(
  queue: DeadLetterQueue,
  records: readonly ConsumedRecord[],
  ports: DeadLetterPorts,
): Promise<DeadLetter[]> {
  const contents = await ports.decode(
    queue,
    records.map(({ value }) => value),
  )
  const deliveryIds = contents.flatMap((content) => (content.kind === 'command' ? content.command.deliveryId : []))
  const rows = holdsCommands(queue) ? await ports.loadDeliveries(deliveryIds) : new Map<string, StoredDelivery>()
  return records.map((record, index) => {
    const content = contents[index]
    if (content === undefined) throw new Error('the reader answered for fewer values than it was given')
    return {
      queue,
      record,
      reason: readText(record.headers, headerNames.reason) ?? 'none',
      redrives: readRedrives(record.headers),
      content,
      row: content.kind === 'command' ? rows.get(content.command.deliveryId) : undefined,
    }
  })
}

/** What it is about, for grouping and filtering; null where that is not known. */
export interface Subject {
  provider: string | null
  template: string | null
  category: string | null
}

export function subjectOf({ content, row }: DeadLetter): Subject {
  switch (content.kind) {
    case 'command': {
      const { templateId, category } = content.command
      return { provider: row?.provider ?? null, template: templateId, category }
    }
    case 'requested':
      return { provider: null, template: content.event.template, category: content.event.category }
    case 'cancelled':
    case 'unreadable':
    case 'opaque':
      return { provider: null, template: null, category: null }
  }
}
