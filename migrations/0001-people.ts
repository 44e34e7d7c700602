/**
 * People: contact data, devices, what they want to hear, and the addresses that must not be used.
 *
 * `users.version` rises with every change to a user, their devices or their settings, whoever writes: the triggers
 * below are the only writers of it, so no statement of ours can forget it. It comes from one sequence and not from
 * `version + 1`, so that a user who was deleted and signs up again never falls below what a cache still holds.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(tables)
  await knex.raw(versionOfUsers)
  await knex.raw(versionOfWhatBelongsToUsers)
}

const tables = `
  create sequence profile_version as bigint;

  create table users (
    user_id            bigint primary key check (user_id > 0),
    version            bigint not null,
    email              text,
    phone_number       text,
    locale             text,
    time_zone          text,
    quiet_from_minute  smallint check (quiet_from_minute between 0 and 1439),
    quiet_until_minute smallint check (quiet_until_minute between 0 and 1439),
    created_at         timestamptz not null default now(),
    updated_at         timestamptz not null default now(),
    constraint users_quiet_hours_check check ((quiet_from_minute is null) = (quiet_until_minute is null))
  );

  -- The length keeps a token inside what a unique index can hold (2,704 bytes).
  create table devices (
    device_id      uuid primary key,
    user_id        bigint not null references users on delete cascade,
    platform       text not null check (platform in ('ios', 'android')),
    token          text not null unique check (octet_length(token) between 1 and 2048),
    registered_at  timestamptz not null default now(),
    last_seen_at   timestamptz not null default now(),
    invalidated_at timestamptz
  );
  create index devices_user_id_index on devices (user_id);

  create table notification_settings (
    user_id bigint not null references users on delete cascade,
    channel varchar not null check (channel in ('push', 'sms', 'email')),
    opt_in  boolean not null,
    primary key (user_id, channel)
  );

  create table category_settings (
    user_id  bigint not null references users on delete cascade,
    category text not null,
    channel  varchar not null check (channel in ('push', 'sms', 'email')),
    opt_in   boolean not null,
    primary key (user_id, category, channel)
  );

  -- scope is 'all' or the name of a category. Led by the hash: a claim looks up one address, never a channel.
  create table suppressions (
    channel      varchar not null check (channel in ('push', 'sms', 'email')),
    address_hash bytea not null,
    scope        text not null default 'all',
    reason       text not null,
    created_at   timestamptz not null default now(),
    primary key (address_hash, channel, scope)
  );
`

const versionOfUsers = `
  create function raise_profile_version() returns trigger language plpgsql as $$
  begin
    -- A before-trigger runs with the row locked, so versions rise in the order of the commits to one user.
    new.version := nextval('profile_version');
    new.updated_at := now();
    return new;
  end
  $$;

  create trigger users_version before insert or update on users
    for each row execute function raise_profile_version();
`

// Once per statement and not per row: seeding and imports write thousands of devices with one statement.
const versionOfWhatBelongsToUsers = `
  create function touch_users_of_changed_rows() returns trigger language plpgsql as $$
  declare
    touched bigint[];
  begin
    if tg_op = 'INSERT' then
      select array_agg(distinct user_id) into touched from rows_after;
    elsif tg_op = 'DELETE' then
      select array_agg(distinct user_id) into touched from rows_before;
    else
      -- A device that moves to another person changes two profiles.
      select array_agg(distinct user_id) into touched
        from (select user_id from rows_before union all select user_id from rows_after) as changed;
    end if;
    if touched is not null then
      -- Locked in order first, so that two statements over the same people cannot deadlock.
      perform 1 from users where user_id = any(touched) order by user_id for update;
      update users set updated_at = now() where user_id = any(touched);
    end if;
    return null;
  end
  $$;

  ${['devices', 'notification_settings', 'category_settings'].map(touchingTriggers).join('\n')}
`

function touchingTriggers(table: string): string {
  return `
  create trigger ${table}_insert_version after insert on ${table} referencing new table as rows_after
    for each statement execute function touch_users_of_changed_rows();
  create trigger ${table}_update_version after update on ${table}
    referencing old table as rows_before new table as rows_after
    for each statement execute function touch_users_of_changed_rows();
  create trigger ${table}_delete_version after delete on ${table} referencing old table as rows_before
    for each statement execute function touch_users_of_changed_rows();`
}
