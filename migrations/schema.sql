create type channel as enum ('ios', 'android', 'sms', 'email');

create type decision as enum ('routed', 'deferred', 'suppressed', 'failed', 'expired', 'cancelled');

create type delivery_state as enum ('routed', 'claimed', 'retrying', 'unknown', 'failed', 'suppressed', 'expired', 'cancelled', 'sent', 'delivered', 'bounced', 'opened', 'clicked', 'unsubscribed');

create type lane as enum ('transactional', 'bulk');

create type unknown_policy as enum ('resend', 'hold');

create sequence profile_version as bigint;

create table app_secrets (
  secret_hash bytea not null,
  app_key text not null,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone,
  constraint app_secrets_pkey PRIMARY KEY (secret_hash),
  constraint app_secrets_app_key_fkey FOREIGN KEY (app_key) REFERENCES apps(app_key) ON DELETE CASCADE,
  constraint app_secrets_secret_hash_check CHECK ((octet_length(secret_hash) = 32))
);
CREATE INDEX app_secrets_app_key_index ON public.app_secrets USING btree (app_key);

create table apps (
  app_key text not null,
  scopes text[] not null default '{}'::text[],
  rate_limit_per_second integer not null,
  created_at timestamp with time zone not null default now(),
  disabled_at timestamp with time zone,
  categories text[],
  channels text[],
  constraint apps_pkey PRIMARY KEY (app_key),
  constraint apps_channels_check CHECK ((channels <@ ARRAY['push'::text, 'sms'::text, 'email'::text])),
  constraint apps_rate_limit_per_second_check CHECK ((rate_limit_per_second > 0)),
  constraint apps_scopes_check CHECK ((scopes <@ ARRAY['notifications:send'::text, 'users:write'::text, 'admin'::text]))
);

create table categories (
  name text not null,
  lane lane not null,
  channels text[] not null,
  mandatory boolean not null default false,
  opt_in_default boolean not null default true,
  caps jsonb not null default '[]'::jsonb,
  over_cap_policy text not null default 'defer'::text,
  quiet_hours_policy text not null default 'defer'::text,
  time_to_live_seconds integer not null,
  unknown_policy unknown_policy not null default 'resend'::unknown_policy,
  template_id text not null,
  attempts jsonb not null default '{}'::jsonb,
  send_from_minute smallint,
  send_until_minute smallint,
  caps_unavailable_policy text not null default 'send'::text,
  titles jsonb not null default '{}'::jsonb,
  listed boolean not null default true,
  constraint categories_pkey PRIMARY KEY (name),
  constraint categories_attempts_check CHECK ((jsonb_typeof(attempts) = 'object'::text)),
  constraint categories_caps_check CHECK ((jsonb_typeof(caps) = 'array'::text)),
  constraint categories_caps_form_check CHECK ((caps = jsonb_path_query_array(caps, '$[*]?(((@."limit".type() == "number" && @."limit" >= 0) && @."windowSeconds".type() == "number") && @."windowSeconds" >= 1)'::jsonpath))),
  constraint categories_caps_unavailable_policy_check CHECK ((caps_unavailable_policy = ANY (ARRAY['send'::text, 'defer'::text]))),
  constraint categories_channels_check CHECK ((channels <@ ARRAY['push'::text, 'sms'::text, 'email'::text])),
  constraint categories_listed_check CHECK ((listed OR mandatory)),
  constraint categories_name_check CHECK (((name <> ''::text) AND (name <> 'all'::text))),
  constraint categories_over_cap_policy_check CHECK ((over_cap_policy = ANY (ARRAY['defer'::text, 'drop'::text]))),
  constraint categories_quiet_hours_policy_check CHECK ((quiet_hours_policy = ANY (ARRAY['defer'::text, 'ignore'::text]))),
  constraint categories_send_from_minute_check CHECK (((send_from_minute >= 0) AND (send_from_minute <= 1439))),
  constraint categories_send_until_minute_check CHECK (((send_until_minute >= 0) AND (send_until_minute <= 1439))),
  constraint categories_send_window_check CHECK (((send_from_minute IS NULL) = (send_until_minute IS NULL))),
  constraint categories_time_to_live_seconds_check CHECK (((time_to_live_seconds >= 1) AND (time_to_live_seconds <= 518400))),
  constraint categories_titles_check CHECK ((jsonb_typeof(titles) = 'object'::text))
);
CREATE TRIGGER categories_told AFTER INSERT OR DELETE OR UPDATE ON public.categories FOR EACH STATEMENT EXECUTE FUNCTION tell_changed_rules();

create table category_settings (
  user_id bigint not null,
  category text not null,
  channel character varying not null,
  opt_in boolean not null,
  constraint category_settings_pkey PRIMARY KEY (user_id, category, channel),
  constraint category_settings_channel_check CHECK (((channel)::text = ANY ((ARRAY['push'::character varying, 'sms'::character varying, 'email'::character varying])::text[]))),
  constraint category_settings_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE CASCADE
);
CREATE TRIGGER category_settings_delete_version AFTER DELETE ON public.category_settings REFERENCING OLD TABLE AS rows_before FOR EACH STATEMENT EXECUTE FUNCTION touch_users_of_changed_rows();
CREATE TRIGGER category_settings_insert_version AFTER INSERT ON public.category_settings REFERENCING NEW TABLE AS rows_after FOR EACH STATEMENT EXECUTE FUNCTION touch_users_of_changed_rows();
CREATE TRIGGER category_settings_update_version AFTER UPDATE ON public.category_settings REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_after FOR EACH STATEMENT EXECUTE FUNCTION touch_users_of_changed_rows();

create table channel_limits (
  channel channel not null,
  lane lane not null,
  concurrency integer not null,
  limited_at timestamp with time zone not null default now(),
  limited_until timestamp with time zone not null,
  limited_by text not null,
  reason text not null,
  constraint channel_limits_pkey PRIMARY KEY (channel, lane),
  constraint channel_limits_check CHECK ((limited_until > limited_at)),
  constraint channel_limits_concurrency_check CHECK (((concurrency >= 1) AND (concurrency <= 10000))),
  constraint channel_limits_reason_check CHECK ((reason <> ''::text))
);

create table channel_pauses (
  channel channel not null,
  lane lane not null,
  paused_at timestamp with time zone not null default now(),
  paused_until timestamp with time zone,
  paused_by text not null,
  reason text not null,
  constraint channel_pauses_pkey PRIMARY KEY (channel, lane),
  constraint channel_pauses_check CHECK ((paused_until > paused_at)),
  constraint channel_pauses_reason_check CHECK ((reason <> ''::text))
);

create table deliveries (
  delivery_id uuid not null,
  day date not null,
  notification_id uuid not null,
  source text not null,
  user_id bigint not null,
  category text not null,
  lane lane not null,
  channel channel not null,
  address text not null,
  device_id uuid,
  template_id text not null,
  template_version integer not null,
  locale text not null,
  quiet_from timestamp with time zone,
  quiet_until timestamp with time zone,
  unknown_policy unknown_policy not null,
  expires_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  routed_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  state delivery_state not null default 'routed'::delivery_state,
  hop integer not null default 0,
  attempt integer not null default 0,
  lease_owner uuid,
  lease_until timestamp with time zone,
  next_due_at timestamp with time zone,
  provider text,
  provider_message_id text,
  reason text,
  cancel_requested boolean not null default false,
  delivered_at timestamp with time zone,
  bounced_at timestamp with time zone,
  opened_at timestamp with time zone,
  clicked_at timestamp with time zone,
  unsubscribed_at timestamp with time zone,
  constraint deliveries_pkey PRIMARY KEY (delivery_id, day)
) partition by RANGE (day);

create table delivery_funnel (
  hour timestamp with time zone not null,
  template_id text not null,
  category text not null,
  channel channel not null,
  planned bigint not null,
  sent bigint not null,
  delivered bigint not null,
  bounced bigint not null,
  opened bigint not null,
  clicked bigint not null,
  unsubscribed bigint not null,
  failed bigint not null,
  suppressed bigint not null,
  expired bigint not null,
  cancelled bigint not null,
  unknown bigint not null,
  constraint delivery_funnel_pkey PRIMARY KEY (hour, template_id, category, channel)
);

create table devices (
  device_id uuid not null,
  user_id bigint not null,
  platform text not null,
  token text not null,
  registered_at timestamp with time zone not null default now(),
  last_seen_at timestamp with time zone not null default now(),
  invalidated_at timestamp with time zone,
  constraint devices_pkey PRIMARY KEY (device_id),
  constraint devices_platform_check CHECK ((platform = ANY (ARRAY['ios'::text, 'android'::text]))),
  constraint devices_token_check CHECK (((octet_length(token) >= 1) AND (octet_length(token) <= 2048))),
  constraint devices_token_key UNIQUE (token),
  constraint devices_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE CASCADE
);
CREATE INDEX devices_user_id_index ON public.devices USING btree (user_id);
CREATE TRIGGER devices_delete_version AFTER DELETE ON public.devices REFERENCING OLD TABLE AS rows_before FOR EACH STATEMENT EXECUTE FUNCTION touch_users_of_changed_rows();
CREATE TRIGGER devices_insert_version AFTER INSERT ON public.devices REFERENCING NEW TABLE AS rows_after FOR EACH STATEMENT EXECUTE FUNCTION touch_users_of_changed_rows();
CREATE TRIGGER devices_update_version AFTER UPDATE ON public.devices REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_after FOR EACH STATEMENT EXECUTE FUNCTION touch_users_of_changed_rows();

create table funnel_hours_to_count (
  hour timestamp with time zone not null,
  marked_at timestamp with time zone not null default now(),
  constraint funnel_hours_to_count_pkey PRIMARY KEY (hour)
);

create table idempotency_keys (
  app_key text not null,
  idempotency_key text not null,
  body_hash bytea not null,
  identities jsonb not null,
  answer_status smallint,
  answer text,
  leased_until timestamp with time zone not null,
  created_at timestamp with time zone not null default now(),
  constraint idempotency_keys_pkey PRIMARY KEY (app_key, idempotency_key),
  constraint idempotency_keys_check CHECK (((answer_status IS NULL) = (answer IS NULL))),
  constraint idempotency_keys_idempotency_key_check CHECK (((octet_length(idempotency_key) >= 1) AND (octet_length(idempotency_key) <= 255)))
);
CREATE INDEX idempotency_keys_created_at_index ON public.idempotency_keys USING btree (created_at);

create table notification_settings (
  user_id bigint not null,
  channel character varying not null,
  opt_in boolean not null,
  constraint notification_settings_pkey PRIMARY KEY (user_id, channel),
  constraint notification_settings_channel_check CHECK (((channel)::text = ANY ((ARRAY['push'::character varying, 'sms'::character varying, 'email'::character varying])::text[]))),
  constraint notification_settings_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE CASCADE
);
CREATE TRIGGER notification_settings_delete_version AFTER DELETE ON public.notification_settings REFERENCING OLD TABLE AS rows_before FOR EACH STATEMENT EXECUTE FUNCTION touch_users_of_changed_rows();
CREATE TRIGGER notification_settings_insert_version AFTER INSERT ON public.notification_settings REFERENCING NEW TABLE AS rows_after FOR EACH STATEMENT EXECUTE FUNCTION touch_users_of_changed_rows();
CREATE TRIGGER notification_settings_update_version AFTER UPDATE ON public.notification_settings REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_after FOR EACH STATEMENT EXECUTE FUNCTION touch_users_of_changed_rows();

create table notifications (
  notification_id uuid not null,
  source text not null,
  day date not null,
  pass integer not null,
  lane lane,
  record_partition integer,
  record_offset bigint,
  user_id bigint not null,
  category text,
  decision decision not null,
  reason text,
  suppressed_channels jsonb not null default '[]'::jsonb,
  delivery_ids uuid[] not null default '{}'::uuid[],
  created_at timestamp with time zone,
  decided_at timestamp with time zone not null,
  cancelled_at timestamp with time zone,
  deferred_until timestamp with time zone,
  content_hash bytea,
  detail text,
  constraint notifications_pkey PRIMARY KEY (notification_id, source, day),
  constraint notifications_pass_check CHECK ((pass >= 0))
) partition by RANGE (day);
CREATE INDEX notifications_user_id_index ON ONLY public.notifications USING btree (user_id);

create table operator_actions (
  action_id uuid not null default gen_random_uuid(),
  operator text not null,
  action text not null,
  target text not null,
  choices jsonb not null default '{}'::jsonb,
  started_at timestamp with time zone not null default now(),
  counts jsonb,
  finished_at timestamp with time zone,
  constraint operator_actions_pkey PRIMARY KEY (action_id),
  constraint operator_actions_choices_check CHECK ((jsonb_typeof(choices) = 'object'::text)),
  constraint operator_actions_counts_check CHECK ((jsonb_typeof(counts) = 'object'::text))
);
CREATE INDEX operator_actions_target_index ON public.operator_actions USING btree (target, started_at);

create table scheduled_notifications (
  notification_id uuid not null,
  source text not null,
  day date not null,
  pass integer not null,
  lane lane not null,
  user_id bigint not null,
  due_at timestamp with time zone not null,
  record bytea not null,
  created_at timestamp with time zone not null default now(),
  constraint scheduled_notifications_pkey PRIMARY KEY (notification_id, source, day),
  constraint scheduled_notifications_pass_check CHECK ((pass > 0))
);
CREATE INDEX scheduled_notifications_due_at_index ON public.scheduled_notifications USING btree (lane, due_at);

create table soft_bounces (
  address_hash bytea not null,
  channel character varying not null,
  feedback_id text not null,
  occurred_at timestamp with time zone not null,
  constraint soft_bounces_pkey PRIMARY KEY (address_hash, channel, feedback_id),
  constraint soft_bounces_channel_check CHECK (((channel)::text = ANY ((ARRAY['push'::character varying, 'sms'::character varying, 'email'::character varying])::text[])))
);
CREATE INDEX soft_bounces_occurred_at_index ON public.soft_bounces USING btree (occurred_at);

create table suppressions (
  channel character varying not null,
  address_hash bytea not null,
  scope text not null default 'all'::text,
  reason text not null,
  created_at timestamp with time zone not null default now(),
  constraint suppressions_pkey PRIMARY KEY (address_hash, channel, scope, reason),
  constraint suppressions_channel_check CHECK (((channel)::text = ANY ((ARRAY['push'::character varying, 'sms'::character varying, 'email'::character varying])::text[])))
);

create table template_contents (
  template_id text not null,
  version integer not null,
  channel text not null,
  locale text not null,
  content jsonb not null,
  variables text[] not null default '{}'::text[],
  constraint template_contents_pkey PRIMARY KEY (template_id, version, channel, locale),
  constraint template_contents_channel_check CHECK ((channel = ANY (ARRAY['push'::text, 'sms'::text, 'email'::text]))),
  constraint template_contents_content_check CHECK ((jsonb_typeof(content) = 'object'::text)),
  constraint template_contents_template_id_version_fkey FOREIGN KEY (template_id, version) REFERENCES templates(template_id, version)
);
CREATE TRIGGER template_contents_immutable BEFORE UPDATE ON public.template_contents FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION refuse_content_change();
CREATE TRIGGER template_contents_permanent BEFORE DELETE ON public.template_contents FOR EACH ROW EXECUTE FUNCTION refuse_content_change();

create table templates (
  template_id text not null,
  version integer not null,
  published boolean not null default false,
  created_at timestamp with time zone not null default now(),
  description text not null default ''::text,
  default_locale text not null default 'en'::text,
  published_at timestamp with time zone,
  published_by text,
  constraint templates_pkey PRIMARY KEY (template_id, version),
  constraint templates_version_check CHECK ((version > 0))
);
CREATE UNIQUE INDEX templates_one_published_index ON public.templates USING btree (template_id) WHERE published;
CREATE TRIGGER templates_told AFTER INSERT OR DELETE OR UPDATE ON public.templates FOR EACH STATEMENT EXECUTE FUNCTION tell_changed_rules();

create table users (
  user_id bigint not null,
  version bigint not null,
  email text,
  phone_number text,
  locale text,
  time_zone text,
  quiet_from_minute smallint,
  quiet_until_minute smallint,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  external_version bigint,
  constraint users_pkey PRIMARY KEY (user_id),
  constraint users_quiet_from_minute_check CHECK (((quiet_from_minute >= 0) AND (quiet_from_minute <= 1439))),
  constraint users_quiet_hours_check CHECK (((quiet_from_minute IS NULL) = (quiet_until_minute IS NULL))),
  constraint users_quiet_until_minute_check CHECK (((quiet_until_minute >= 0) AND (quiet_until_minute <= 1439))),
  constraint users_user_id_check CHECK ((user_id > 0))
);
CREATE TRIGGER users_version BEFORE INSERT OR UPDATE ON public.users FOR EACH ROW EXECUTE FUNCTION raise_profile_version();

create table webhook_receipts (
  digest bytea not null,
  kept_until timestamp with time zone,
  received_at timestamp with time zone not null default now(),
  constraint webhook_receipts_pkey PRIMARY KEY (digest),
  constraint webhook_receipts_digest_check CHECK ((octet_length(digest) = 32))
);
CREATE INDEX webhook_receipts_kept_until_index ON public.webhook_receipts USING btree (kept_until);

CREATE OR REPLACE FUNCTION public.raise_profile_version()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
  begin
    -- A before-trigger runs with the row locked, so versions rise in the order of the commits to one user.
    new.version := nextval('profile_version');
    new.updated_at := now();
    return new;
  end
  $function$;

CREATE OR REPLACE FUNCTION public.refuse_content_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
  begin
    raise exception 'template % version % is immutable: add a version instead', old.template_id, old.version
      using errcode = 'integrity_constraint_violation';
  end
  $function$;

CREATE OR REPLACE FUNCTION public.tell_changed_rules()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
  begin
    perform pg_notify('fanfare_rules', '');
    return null;
  end
  $function$;

CREATE OR REPLACE FUNCTION public.touch_users_of_changed_rows()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
  $function$;
