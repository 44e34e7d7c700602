/**
 * What waiting needs: until when a notification is deferred, what its record said (so that the same id with another
 * content is told apart), the word that explains a reason, send windows of categories, what caps do without Redis,
 * deliveries that were cancelled while somebody had claimed them, and changed rules that are told at once.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(columns)
  await knex.raw(changes)
}

const columns = `
    alter table notifications
      add column deferred_until timestamptz,
      add column content_hash   bytea,
      add column detail         text;

    -- Whoever claimed it may still send it; nobody claims it again.
    alter table deliveries
      add column cancel_requested boolean not null default false;

    -- The hours, on the person's own clocks, in which the category may be sent; both null: always.
    alter table categories
      add column send_from_minute  smallint check (send_from_minute between 0 and 1439),
      add column send_until_minute smallint check (send_until_minute between 0 and 1439),
      add column caps_unavailable_policy text not null default 'send'
        check (caps_unavailable_policy in ('send', 'defer')),
      add constraint categories_send_window_check
        check ((send_from_minute is null) = (send_until_minute is null)),
      -- A cap that nobody can count would stop the counting of all that come with it. (knex takes a bare ? for a value.)
      add constraint categories_caps_form_check check (caps = jsonb_path_query_array(
        caps,
        '$[*] \\? (@.limit.type() == "number" && @.limit >= 0 && @.windowSeconds.type() == "number" && @.windowSeconds >= 1)'
      ));
`

// Routers keep categories and templates for some seconds; whoever changes one, by whatever means, ends that at once.
const changes = `
  create function tell_changed_rules() returns trigger language plpgsql as $$
  begin
    perform pg_notify('fanfare_rules', '');
    return null;
  end
  $$;
  create trigger categories_told after insert or update or delete on categories
    for each statement execute function tell_changed_rules();
  create trigger templates_told after insert or update or delete on templates
    for each statement execute function tell_changed_rules();
`
