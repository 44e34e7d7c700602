/**
 * What rows about feedback share: the edge and the feedback role beside the others, providers that report, and a watch
 * over every change of a delivery's state.
 */
import { chooseFreePorts } from '../../../src/local/stack/free-port.ts'
import type { Bench } from '../supervisor/bench.ts'
import type { RoleSpec } from '../supervisor/supervised-role.ts'
import { bulkRoles } from './fault-row.ts'

/** What the providers believe to call; the requests go to the edge's own port. */
const publicUrl = 'https://fanfare.example.com'
const [edgePort = 0] = await chooseFreePorts(1)

export const feedbackRole: RoleSpec = { name: 'feedback', command: ['feedback'] }
const edgeRole: RoleSpec = {
  name: 'edge',
  command: ['edge'],
  environment: {
    FANFARE_EDGE_URL: publicUrl,
    FANFARE_EDGE_PORT: String(edgePort),
    FANFARE_LINK_KEYS: `1:${Buffer.alloc(32, 7).toString('base64')}`,
  },
}

/** Without feedback roles: rows bring their own. */
export const rolesWithEdge: readonly RoleSpec[] = [...bulkRoles, edgeRole]

const moved = 'state_transitions'

/**
 * Lets the providers report from now on: texts that arrive or do not, mails that are delivered, opened by machines and
 * people, clicked, blocked, and called spam. Few of it costs an address, so that the load goes on.
 */
export async function beginReports({ simulator: { webhooks }, query }: Bench): Promise<void> {
  await query(watch)
  const opened = [
    { event: 'delivered' },
    { event: 'open', fields: { sg_machine_open: true } },
    { event: 'open', afterMs: 100 },
    { event: 'click', afterMs: 100 },
  ]
  webhooks.rules.add(
    {
      provider: 'twilio',
      match: { address: '3' },
      reports: [{ event: 'undelivered', fields: { ErrorCode: '30003' } }],
    },
    {
      provider: 'twilio',
      match: { address: '77' },
      reports: [{ event: 'undelivered', fields: { ErrorCode: '30005' } }],
    },
    { provider: 'sendgrid', match: { address: '1@example.com' }, reports: opened },
    { provider: 'sendgrid', match: { address: '2@example.com' }, reports: opened.slice(0, 3) },
    {
      provider: 'sendgrid',
      match: { address: '4@example.com' },
      reports: [{ event: 'bounce', fields: { type: 'blocked' } }],
    },
    {
      provider: 'sendgrid',
      match: { address: '55@example.com' },
      reports: [{ event: 'delivered' }, { event: 'spamreport', afterMs: 200 }],
    },
  )
  webhooks.aim({ target: `http://127.0.0.1:${edgePort}`, publicUrl })
}

/** Every change of a state is written down by the database itself, whoever makes it. */
const watch = `
  create table ${moved} (
    delivery_id uuid not null, from_state delivery_state not null, to_state delivery_state not null
  );
  create function note_transition() returns trigger language plpgsql as $$
  begin
    insert into ${moved} values (new.delivery_id, old.state, new.state);
    return null;
  end
  $$;
  create trigger note_transition after update on deliveries for each row
    when (old.state is distinct from new.state) execute function note_transition();
`

/** Deliveries that a report moved before their own sender had settled them. */
export async function reportedBeforeSettled({ query }: Pick<Bench, 'query'>): Promise<number> {
  const [row] = await query<{ count: number }>(
    `select count(*)::integer as count from ${moved} where from_state = 'claimed' and to_state > 'sent'`,
  )
  return row?.count ?? 0
}

/** Reports that were taken. */
export function takenReports({ simulator: { webhooks } }: Bench): number {
  return [...webhooks.ledger.entries()].filter(({ takenAtMs }) => takenAtMs !== null).length
}
