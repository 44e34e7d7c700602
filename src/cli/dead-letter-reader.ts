/**
 * Reads dead letters for commands: through the registry, and with the rows of deliveries beside them.
 */
import { holdsCommands } from '../domain/dead-letter-queue.ts'
import { createAvroReader, type DecodedRecord } from '../kafka/registry/avro-reader.ts'
import { loadDeliveries } from '../postgres/stored-deliveries.ts'
import type { DeliveryInfrastructure } from '../roles/infrastructure.ts'
import type { DeadLetterPorts, DecodedDeadLetter } from '../services/dead-letters/dead-letter.ts'

export function deadLetterReader({ schemas, pool }: DeliveryInfrastructure): DeadLetterPorts {
  const commands = createAvroReader({ schemas, records: ['DeliveryCommand'] })
  const requests = createAvroReader({ schemas, records: ['NotificationRequested', 'NotificationCancelled'] })
  return {
    loadDeliveries: (deliveryIds) => loadDeliveries(pool, deliveryIds),
    decode: async (queue, values) => {
      if (holdsCommands(queue)) return (await commands.decodeChunk(values)).map(toContent)
      if (queue === 'requested') return (await requests.decodeChunk(values)).map(toContent)
      return values.map(() => ({ kind: 'opaque' }))
    },
  }
}

type Readable = 'DeliveryCommand' | 'NotificationRequested' | 'NotificationCancelled'

function toContent(decoded: DecodedRecord<Readable>): DecodedDeadLetter {
  if (decoded.kind === 'poison') return { kind: 'unreadable', reason: decoded.reason }
  switch (decoded.name) {
    case 'DeliveryCommand':
      return { kind: 'command', command: decoded.value }
    case 'NotificationRequested':
      return { kind: 'requested', event: decoded.value }
    case 'NotificationCancelled':
      return { kind: 'cancelled', event: decoded.value }
  }
}
