/**
 * How often a category's deliveries are tried, by request channel: `{"sms": 2}`. What it does not name has the default.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table categories
      add column attempts jsonb not null default '{}' check (jsonb_typeof(attempts) = 'object')
  `)
}
