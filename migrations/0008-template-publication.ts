/**
 * What publishing needs: the variables that each content requires (so that the router refuses an event that lacks one),
 * the locale that everybody else gets, and who published a version when. Contents of a version can no longer be taken away
 * either: a delivery that is pinned to it may still be retried.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Of contents from before, nobody looked for variables: the sender finds what is missing.
    alter table template_contents
      add column variables text[] not null default '{}';

    -- published_at and published_by are those of the last time, also of a version that is no longer published.
    alter table templates
      add column description    text not null default '',
      add column default_locale text not null default 'en',
      add column published_at   timestamptz,
      add column published_by   text;

    create trigger template_contents_permanent before delete on template_contents
      for each row execute function refuse_content_change();
  `)
}
