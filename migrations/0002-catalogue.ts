/**
 * The catalogue: what may be sent (categories, templates) and by whom (apps).
 *
 * A template's version never changes once it has contents; a new text is a new version, and publishing moves the flag.
 * So whatever pinned a version (a delivery that is retried, a cache) may keep it for ever.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(tables)
  await knex.raw(immutableContents)
}

const tables = `
  create type lane as enum ('transactional', 'bulk');
  create type unknown_policy as enum ('resend', 'hold');

  -- 'all' is the word for every category in suppressions.scope. 518400 s are 6 days: shorter than the topics keep.
  create table categories (
    name                 text primary key check (name <> '' and name <> 'all'),
    lane                 lane not null,
    channels             text[] not null check (channels <@ array['push', 'sms', 'email']),
    mandatory            boolean not null default false,
    opt_in_default       boolean not null default true,
    caps                 jsonb not null default '[]' check (jsonb_typeof(caps) = 'array'),
    over_cap_policy      text not null default 'defer' check (over_cap_policy in ('defer', 'drop')),
    quiet_hours_policy   text not null default 'defer' check (quiet_hours_policy in ('defer', 'ignore')),
    time_to_live_seconds integer not null check (time_to_live_seconds between 1 and 518400),
    unknown_policy       unknown_policy not null default 'resend',
    template_id          text not null
  );

  create table templates (
    template_id text not null,
    version     integer not null check (version > 0),
    published   boolean not null default false,
    created_at  timestamptz not null default now(),
    primary key (template_id, version)
  );
  create unique index templates_one_published_index on templates (template_id) where published;

  create table template_contents (
    template_id text not null,
    version     integer not null,
    channel     text not null check (channel in ('push', 'sms', 'email')),
    locale      text not null,
    content     jsonb not null check (jsonb_typeof(content) = 'object'),
    primary key (template_id, version, channel, locale),
    foreign key (template_id, version) references templates
  );

  create table apps (
    app_key               text primary key,
    secret_hash           bytea not null,
    scopes                text[] not null default '{}',
    rate_limit_per_second integer not null check (rate_limit_per_second > 0),
    created_at            timestamptz not null default now(),
    disabled_at           timestamptz
  );
`

const immutableContents = `
  create function refuse_content_change() returns trigger language plpgsql as $$
  begin
    raise exception 'template % version % is immutable: add a version instead', old.template_id, old.version
      using errcode = 'integrity_constraint_violation';
  end
  $$;

  create trigger template_contents_immutable before update on template_contents
    for each row when (old.* is distinct from new.*) execute function refuse_content_change();
`
