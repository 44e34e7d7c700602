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
  await knex.raw(preferencePage)
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
// between publishes the same events again, and Fanfare absorbs them. The answer is a text, since it is repeated byte for
// byte. The lease tells a request that is at work from one that died.
const idempotencyKeys = `
  create table idempotency_keys (
    app_key         text not null,
    idempotency_key text not null check (octet_length(idempotency_key) between 1 and 255),
    body_hash       bytea not null,
    identities      jsonb not null,
    answer_status   smallint,
    answer          text,
    leased_until    timestamptz not null,
    created_at      timestamptz not null default now(),
    primary key (app_key, idempotency_key),
    check ((answer_status is null) = (answer is null))
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

  -- Digests of webhooks that Kafka has, each for as long as a copy of it would be believed; null: for ever. Twilio signs
  -- no time, so an old request stays valid without them.
  create table webhook_receipts (
    digest      bytea primary key check (octet_length(digest) = 32),
    kept_until  timestamptz,
    received_at timestamptz not null default now()
  );
  create index webhook_receipts_kept_until_index on webhook_receipts (kept_until);

  -- A row for each cause: a STOP outlives the bounce that an operator has looked into, and START lifts the STOP alone.
  alter table suppressions drop constraint suppressions_pkey;
  alter table suppressions add primary key (address_hash, channel, scope, reason);
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
  -- Counted in the order in which they were marked, so that none waits for ever.
  create table funnel_hours_to_count (
    hour      timestamptz primary key,
    marked_at timestamptz not null default now()
  );
`

// external_version: of the company's own user service, where users.changed brings people.
const people = `
  alter table users add column external_version bigint;
`

// titles: what people call a category, by language: {"en": "Weekly offers"}. Only what nobody can leave may be kept from
// the page on which people leave things.
const preferencePage = `
  alter table categories
    add column titles jsonb   not null default '{}' check (jsonb_typeof(titles) = 'object'),
    add column listed boolean not null default true,
    add constraint categories_listed_check check (listed or mandatory);
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
  -- The trigger that raises a user's version runs as whoever changed something: hence the sequence and updated_at.
  grant usage on sequence profile_version to fanfare_edge;
  grant select (user_id, version, locale, time_zone, quiet_from_minute, quiet_until_minute) on users to fanfare_edge;
  grant update (locale, time_zone, quiet_from_minute, quiet_until_minute, updated_at) on users to fanfare_edge;
  -- Nothing is deleted: what a person chose stays their choice, also where it is the default of the day.
  grant select, insert, update on notification_settings, category_settings to fanfare_edge;
  grant select (name, titles, listed, mandatory, opt_in_default) on categories to fanfare_edge;
  grant select, insert on webhook_receipts to fanfare_edge;
`
