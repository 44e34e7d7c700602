/**
 * Holds what was asked for against the three places that tell what became of it: the providers' ledger, the rows, the
 * status topic. It trusts none of them and shares no code with what it judges.
 */

export interface Evidence {
  /** How many deliveries each notification must come to, all of them accepted. */
  expected: ReadonlyMap<string, number>
  /** Every call that reached a provider. */
  calls: Iterable<{ deliveryId: string | null; verdict: string; providerMessageId: string | null }>
  rows: readonly { deliveryId: string; notificationId: string; state: string; providerMessageId: string | null }[]
  /** As read, repeats included. */
  statuses: readonly {
    statusId: string
    notificationId: string
    deliveryId: string | null
    status: string
    plannedDeliveries: number | null
  }[]
}

/** Ids of what is wrong, by kind, the first few of each; nothing is wrong where all lists are empty. */
export interface Findings {
  /** Notifications without as many rows as they were to have. */
  lost: string[]
  /** Rows of notifications that nobody asked for. */
  unasked: string[]
  /** Deliveries whose row is not `sent`. */
  unfinished: string[]
  /** Deliveries that reached a provider more than once. */
  repeatedCalls: string[]
  /** Calls for deliveries that have no row, or were not accepted. */
  unexplainedCalls: string[]
  /** Rows without a call, or with another message id than the provider gave. */
  rowsUnlikeCalls: string[]
  /** Notifications not announced exactly once, with the number of deliveries they have. */
  routedUnlikeRows: string[]
  /** Deliveries whose statuses, repeats aside, are not the one `sent`. */
  statusesUnlikeRows: string[]
}

export const nothingFound: Findings = {
  lost: [],
  unasked: [],
  unfinished: [],
  repeatedCalls: [],
  unexplainedCalls: [],
  rowsUnlikeCalls: [],
  routedUnlikeRows: [],
  statusesUnlikeRows: [],
}

export function reconcile({ expected, calls, rows, statuses }: Evidence): Findings {
  const rowsOf = Map.groupBy(rows, ({ notificationId }) => notificationId)
  const rowOf = new Map(rows.map((row) => [row.deliveryId, row]))
  const callsOf = Map.groupBy(calls, ({ deliveryId }) => deliveryId ?? 'no delivery')
  const distinct = [...new Map(statuses.map((status) => [status.statusId, status])).values()]
  const announcementsOf = Map.groupBy(
    distinct.filter(({ deliveryId }) => deliveryId === null),
    ({ notificationId }) => notificationId,
  )
  const stepsOf = Map.groupBy(distinct, ({ deliveryId }) => deliveryId ?? 'no delivery')
  const notifications = [...expected.keys()]

  return shortened({
    lost: notifications.filter((id) => (rowsOf.get(id)?.length ?? 0) !== expected.get(id)),
    unasked: [...rowsOf.keys()].filter((id) => !expected.has(id)),
    unfinished: rows.filter(({ state }) => state !== 'sent').map(({ deliveryId }) => deliveryId),
    repeatedCalls: [...callsOf].filter(([, made]) => made.length > 1).map(([deliveryId]) => deliveryId),
    unexplainedCalls: [...callsOf]
      .filter(([deliveryId, made]) => !rowOf.has(deliveryId) || made.some(({ verdict }) => verdict !== 'accepted'))
      .map(([deliveryId]) => deliveryId),
    rowsUnlikeCalls: rows
      .filter((row) => callsOf.get(row.deliveryId)?.[0]?.providerMessageId !== row.providerMessageId)
      .map(({ deliveryId }) => deliveryId),
    routedUnlikeRows: notifications.filter((id) => {
      const [announced, ...more] = announcementsOf.get(id) ?? []
      return more.length > 0 || announced?.status !== 'routed' || announced.plannedDeliveries !== expected.get(id)
    }),
    statusesUnlikeRows: rows
      .map(({ deliveryId }) => deliveryId)
      .filter((deliveryId) => {
        const steps = stepsOf.get(deliveryId) ?? []
        return steps.length !== 1 || steps[0]?.status !== 'sent'
      }),
  })
}

const shownIds = 10

function shortened(findings: Findings): Findings {
  const shorten = (ids: string[]): string[] =>
    ids.length <= shownIds ? ids : [...ids.slice(0, shownIds), `and ${ids.length - shownIds} more`]
  const shortFindings: Findings = { ...findings }
  for (const kind of Object.keys(findings) as (keyof Findings)[]) shortFindings[kind] = shorten(findings[kind])
  return shortFindings
}
