/**
 * Events: what was decided about each notification, what became of each delivery, and what waits.
 *
 * `notifications` and `deliveries` are partitioned by the UTC day of the event; partitions.ts makes the partitions and
 * sets their fillfactor (a partitioned table cannot hold it), for the rows of `deliveries` are updated several times in
 * place. Nothing that changes is indexed, so those updates stay within their page.
 *
 * Primary keys are led by the id, not by the day: every statement names both, and the id is what is selective. No
 * foreign key: refused requests are logged whatever user or category they name.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(words)
  await knex.raw(notifications)
  await knex.raw(deliveries)
  await knex.raw(scheduledNotifications)
}

// The order of delivery_state is the rank by which settlements move a row: only upward.
const words = `
  create type channel as enum ('ios', 'android', 'sms', 'email');
  create type decision as enum ('routed', 'deferred', 'suppressed', 'failed', 'expired', 'cancelled');
  create type delivery_state as enum (
    'routed', 'claimed', 'retrying',
    'unknown', 'failed', 'suppressed', 'expired', 'cancelled',
    'sent', 'delivered', 'bounced', 'opened', 'clicked', 'unsubscribed'
  );
`

// lane, record_partition and record_offset say which record of notifications.requested.<lane> won the pass. They are
// null, as are category and created_at, only where a cancel came before its request.
const notifications = `
  create table notifications (
    notification_id     uuid not null,
    source              text not null,
    day                 date not null,
    pass                integer not null check (pass >= 0),
    lane                lane,
    record_partition    integer,
    record_offset       bigint,
    user_id             bigint not null,
    category            text,
    decision            decision not null,
    reason              text,
    suppressed_channels jsonb not null default '[]',
    delivery_ids        uuid[] not null default '{}',
    created_at          timestamptz,
    decided_at          timestamptz not null,
    cancelled_at        timestamptz,
    primary key (notification_id, source, day)
  ) partition by range (day);
  create index notifications_user_id_index on notifications (user_id);
`

const deliveries = `
  create table deliveries (
    delivery_id         uuid not null,
    day                 date not null,
    notification_id     uuid not null,
    source              text not null,
    user_id             bigint not null,
    category            text not null,
    lane                lane not null,
    channel             channel not null,
    address             text not null,
    device_id           uuid,
    template_id         text not null,
    template_version    integer not null,
    locale              text not null,
    quiet_from          timestamptz,
    quiet_until         timestamptz,
    unknown_policy      unknown_policy not null,
    expires_at          timestamptz not null,
    created_at          timestamptz not null,
    routed_at           timestamptz not null,
    updated_at          timestamptz not null,
    state               delivery_state not null default 'routed',
    hop                 integer not null default 0,
    attempt             integer not null default 0,
    lease_owner         uuid,
    lease_until         timestamptz,
    next_due_at         timestamptz,
    provider            text,
    provider_message_id text,
    reason              text,
    primary key (delivery_id, day)
  ) partition by range (day);
`

const scheduledNotifications = `
  create table scheduled_notifications (
    notification_id uuid not null,
    source          text not null,
    day             date not null,
    pass            integer not null check (pass > 0),
    lane            lane not null,
    user_id         bigint not null,
    due_at          timestamptz not null,
    record          bytea not null,
    created_at      timestamptz not null default now(),
    primary key (notification_id, source, day)
  );
  create index scheduled_notifications_due_at_index on scheduled_notifications (lane, due_at);
`
