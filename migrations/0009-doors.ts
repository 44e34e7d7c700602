/**
 * What the public doors keep: who may come in (apps and their secrets), what was answered to whom (idempotency keys),
 * which webhooks were taken, and what providers and people reported after the hand-over.
 *
 * The edge faces the world, so it has a database role of its own: it may change what a person may change about
 * themselves, and read nothing that holds an address.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(apps)
  await knex.raw(idempotencyKeys)
  await knex.raw(feedback)
  await knex.raw(funnel)
  await knex.raw(people)
  await knex.raw(edgeRole)
}

// app_key is the app's name and the source of its notifications. Two live secrets at most, so that one can be rotated
// without a gap; only their SHA-256 is kept, which suffices because a secret is 256 random bits and not a password.
const apps = `
  alter table apps drop column secret_hash;
  alter table apps add column categories text[];
  alter table apps add column channels text[] check (channels <@ array['push', 'sms', 'email']);
  alter table apps add constraint apps_scopes_check
    check (scopes <@ array['notifications:send', 'users:write', 'admin']);

  create table app_secrets (
    secret_hash bytea primary key check (octet_length(secret_hash) = 32),
    app_key     text not null references apps on delete cascade,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz
  );
  create index app_secrets_app_key_index on app_secrets (app_key);
`

// The identities that a key was given come before the events are published, the answer after: a repeat after a crash in
// between publishes the same events again, and Fanfare absorbs them.
const idempotencyKeys = `
  create table idempotency_keys (
    app_key         text not null,
    idempotency_key text not null check (octet_length(idempotency_key) between 1 and 255),
    body_hash       bytea not null,
    identities      jsonb not null,
    answer          jsonb,
    created_at      timestamptz not null default now(),
    primary key (app_key, idempotency_key)
  );
  create index idempotency_keys_created_at_index on idempotency_keys (created_at);
`

// When each thing was first reported: the state alone tells only the highest. Nothing of it is indexed, so an update
// stays within its page.
const feedback = `
  alter table deliveries
    add column delivered_at    timestamptz,
    add column bounced_at      timestamptz,
    add column opened_at       timestamptz,
    add column clicked_at      timestamptz,
    add column unsubscribed_at timestamptz;

  -- One row for each report, so that a report that comes twice counts once.
  create table soft_bounces (
    address_hash bytea not null,
    channel      varchar not null check (channel in ('push', 'sms', 'email')),
    feedback_id  text not null,
    occurred_at  timestamptz not null,
    primary key (address_hash, channel, feedback_id)
  );
  create index soft_bounces_occurred_at_index on soft_bounces (occurred_at);

  -- Digests of webhooks that Kafka has. Twilio signs no time, so an old request stays valid for ever without them.
  create table webhook_receipts (
    digest      bytea primary key check (octet_length(digest) = 32),
    received_at timestamptz not null default now()
  );
  create index webhook_receipts_received_at_index on webhook_receipts (received_at);
`

// Recounted from the rows, never added to: so a recount after a crash, or a second one, is right. hour is the hour of
// the event: what became of those that were asked for in it.
const funnel = `
  create table delivery_funnel (
    hour         timestamptz not null,
    template_id  text not null,
    category     text not null,
    channel      channel not null,
    planned      bigint not null,
    sent         bigint not null,
    delivered    bigint not null,
    bounced      bigint not null,
    opened       bigint not null,
    clicked      bigint not null,
    unsubscribed bigint not null,
    failed       bigint not null,
    suppressed   bigint not null,
    expired      bigint not null,
    cancelled    bigint not null,
    unknown      bigint not null,
    primary key (hour, template_id, category, channel)
  );
  create table funnel_hours_to_count (
    hour timestamptz primary key
  );
`

// external_version: of the company's own user service, where users.changed brings people.
const people = `
  alter table users add column external_version bigint;
`

const edgeRole = `
  do $$
  begin
    if not exists (select from pg_roles where rolname = 'fanfare_edge') then
      create role fanfare_edge nologin;
    end if;
  exception
    -- Another database of the same cluster made it in this moment.
    when duplicate_object or unique_violation then null;
  end
  $$;
  grant usage on schema public to fanfare_edge;
  grant usage on sequence profile_version to fanfare_edge;
  grant select (user_id, version, locale, time_zone, quiet_from_minute, quiet_until_minute) on users to fanfare_edge;
  grant update (locale, time_zone, quiet_from_minute, quiet_until_minute, updated_at) on users to fanfare_edge;
  grant select, insert, update, delete on notification_settings, category_settings to fanfare_edge;
  grant select, insert, delete on suppressions to fanfare_edge;
  grant select on categories to fanfare_edge;
  grant select, insert on webhook_receipts to fanfare_edge;
`
