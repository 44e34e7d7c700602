/**
 * Deliberate mistakes, each of them one that somebody could make in good faith, and the check that has to notice it. A
 * check that cannot fail is no check.
 *
 * An edit names text that its file has exactly once: what is not found is an error, so the list stays true to the source.
 */
export interface Mutation {
  /** For `MUTATION=`, and as the results say it. */
  name: string
  /** What happens to whoever makes this mistake. */
  breaks: string
  edits: readonly Edit[]
  check: Check
  /**
   * What the check must say, else it failed for another reason: rules of the checker, as its report names them, or the
   * titles of tests. One of them is enough.
   */
  says: readonly string[]
}

export interface Edit {
  file: string
  find: string
  replace: string
}

/** A row of the fault matrix, or a test file with the stack that tests have. */
export type Check =
  | { kind: 'row'; row: string; seed: number; events: number; faultSeconds: number }
  | { kind: 'test'; file: string }

const row = (name: string, events: number, faultSeconds: number, seed = 1): Check => ({
  kind: 'row',
  row: name,
  seed,
  events,
  faultSeconds,
})

const killedSenders = row('sender-kill', 240, 8)
const poison = row('poison', 300, 5)
/** A seed with which senders join and leave while records wait for them. */
const stormOfSenders = 2

export const mutations: readonly Mutation[] = [
  {
    name: 'commit before settle',
    breaks: 'a sender that dies takes with it what it had committed and not yet settled',
    edits: [
      {
        file: 'src/kafka/hand-off-work.ts',
        find: 'for (const record of records) running.add(record)',
        replace: `for (const record of records) {
      running.add(record)
      assignment.complete(record)
    }`,
      },
    ],
    check: killedSenders,
    says: ['stuck: a delivery without an end'],
  },
  {
    name: 'claim after call',
    breaks: 'nobody knows what was called when its sender died, and it is called again unseen',
    edits: [
      {
        file: 'src/services/sender/sender.ts',
        find: 'const following = (await claim(begun, settings, ports)).map(async (claimed) => {',
        replace: `const { send } = await import('./send.ts')
      const outcomes = new Map<ConsumedRecord, ReturnType<typeof send>>()
      for (const { record, command } of begun) {
        const rendered = ports.renderer.render(command, { mandatory: false })
        if (rendered.kind === 'rendered') outcomes.set(record, send({ record, command }, rendered.message, settings, ports))
      }
      await Promise.all(outcomes.values())
      const answered = (record: ConsumedRecord) => ({
        ...ports,
        provider: { ...ports.provider, send: async () => [await outcomes.get(record)!] },
      })
      const following = (await claim(begun, settings, ports)).map(async (claimed) => {`,
      },
      {
        file: 'src/services/sender/sender.ts',
        find: 'await followVerdict(claimed, { settings, ports, settler, patience, gate, callEnded })',
        replace:
          'await followVerdict(claimed, { settings, ports: answered(record), settler, patience, gate, callEnded })',
      },
    ],
    check: killedSenders,
    says: ['duplicated: called again without having been declared ambiguous'],
  },
  {
    name: 'watermark = highest seen',
    breaks: 'whatever is slower than its neighbours is passed over by the commit',
    edits: [
      {
        file: 'src/kafka/watermark.ts',
        find: 'position: () => window[head] ?? positionAfterLastBatch,',
        replace: 'position: () => positionAfterLastBatch,',
      },
    ],
    check: killedSenders,
    says: ['stuck: a delivery without an end'],
  },
  {
    name: 'forward before record',
    breaks: 'a command overtakes its row, and nobody knows the delivery that it is for',
    edits: [
      {
        file: 'src/services/router/router.ts',
        find: 'const { won, lost } = await record(planned, ports.log)',
        replace: `await ports.publish(planned.flatMap((item) => forward(item, ports)))
  const { won, lost } = await record(planned, ports.log)`,
      },
      {
        file: 'src/services/router/router.ts',
        find: 'forwarded: [...won.flatMap((item) => forward(item, ports)), ...known(looked, ports)]',
        replace: 'forwarded: known(looked, ports)',
      },
    ],
    check: poison,
    says: ['lost: a dead letter that nothing asked for'],
  },
  {
    name: 'idempotent producer with a lost response',
    breaks: 'the sequence numbers of a batch whose answer was lost are used again, and the broker drops what has them',
    edits: [{ file: 'src/kafka/record-producer.ts', find: 'idempotent: false,', replace: `['idempotent']: true,` }],
    check: row('lost-produce-response', 420, 5),
    says: ['lost: an event without any status', 'stuck: a delivery without an end'],
  },
  {
    name: 'fence by attempt instead of hop',
    breaks: 'a wait that the provider asked for spends no attempt, so the record after it is taken for the one before',
    edits: [
      {
        file: 'src/domain/next-hop.ts',
        find: 'hop: row.hop + 1',
        replace: 'hop: row.attempt + 1',
      },
    ],
    check: row('retry-kill', 120, 5),
    says: ['stuck: a delivery without an end'],
  },
  {
    name: 'day = arrival day',
    breaks: 'what is read again after midnight is taken for a producer’s duplicate of itself, and never forwarded',
    edits: [
      {
        file: 'src/services/router/decode.ts',
        find: 'key: keyOf(event),\n    coordinates',
        replace: 'key: { ...keyOf(event), day: dayOf(nowMs) },\n    coordinates',
      },
    ],
    check: row('midnight', 240, 8),
    says: ['stuck: a delivery without an end'],
  },
  {
    name: 'settle overwrites feedback',
    breaks: 'what a provider has reported as delivered falls back to sent',
    edits: [
      {
        file: 'src/postgres/sql/settle-deliveries.sql',
        find: 'state = greatest(delivery.state, settlement.state),',
        replace: 'state = settlement.state,',
      },
      {
        file: 'src/postgres/sql/settle-deliveries.sql',
        find: 'and (\n      settlement.state > delivery.state\n',
        replace: 'and (\n      true\n',
      },
    ],
    check: { kind: 'test', file: 'test/contract/postgres-settle.test.ts' },
    says: ['brings the provider’s message id to a row that feedback moved first, and keeps the first one'],
  },
  {
    name: 'a late report moves a row back',
    breaks: 'what was read is “delivered” again, once the report of its delivery comes after that of its opening',
    edits: [
      {
        file: 'src/postgres/sql/apply-reports.sql',
        find: 'set\n  state = greatest(delivery.state, report.state),',
        replace: 'set\n  state = report.state,',
      },
    ],
    check: row('webhook-disorder', 240, 8),
    says: ['contradictory: a state that went back', 'contradictory: a row behind what is told of it'],
  },
  {
    name: 'rows before reports',
    breaks: 'a row that moved before anybody was told no longer shows that its acceptance was never told',
    edits: [
      {
        file: 'src/services/feedback/feedback.ts',
        find: `await ports.publish([...statusRecords(collected, ports), ...deadLetterRecords(deadLetters, ports)])
    await write(collected, ports)`,
        replace: `await write(collected, ports)
    await ports.publish([...statusRecords(collected, ports), ...deadLetterRecords(deadLetters, ports)])`,
      },
    ],
    check: { kind: 'test', file: 'test/contract/feedback-redelivery.test.ts' },
    says: ['stopped after “apply” and given again comes to the same'],
  },
  {
    name: 'receipt before Kafka',
    breaks: 'a provider’s second attempt at a webhook that Kafka never got is taken for a copy',
    edits: [
      {
        file: 'src/services/edge/webhooks.ts',
        find: `await withinLimit(ports.publish(feedback))
`,
        replace: `await ports.receipts.keep(digest, repeatableUntilMs)
  await withinLimit(ports.publish(feedback))
`,
      },
    ],
    check: { kind: 'test', file: 'test/unit/edge/webhooks.test.ts' },
    says: ['is not taken while Kafka is away: the provider is to try again, and then it is'],
  },
  {
    name: 'tracker reset on a kept partition',
    breaks: 'what is queued at a rebalance is forgotten, and committed as if it were done',
    edits: [
      {
        file: 'src/kafka/assignment.ts',
        find: 'const partition = kept.get(key) ?? createOwnedPartition({ id, limits, pausedFor: everywhere, member, report })',
        replace: `kept.get(key)?.seekToTail()
      const partition = createOwnedPartition({ id, limits, pausedFor: everywhere, member, report })`,
      },
    ],
    check: row('rebalance-storm', 900, 7, stormOfSenders),
    says: ['stuck: a delivery without an end', 'stuck: records that no member settled'],
  },
  {
    name: 'every SQL error called infrastructure',
    breaks: 'one record that the database refuses holds its partition for ever',
    edits: [
      {
        file: 'src/postgres/unavailability.ts',
        find: `return unavailableClasses.has(code.slice(0, 2)) || unavailableStates.has(code) ? code : undefined`,
        replace: 'return code',
      },
    ],
    check: poison,
    says: ['stuck: records that no member settled'],
  },
]
