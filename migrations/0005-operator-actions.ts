/**
 * What people do by command to deliveries and dead letters: who, what, to what, with which choices, when, and what came of
 * it. Rows are never changed but to say how an action ended; one that has no end was interrupted.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table operator_actions (
      action_id   uuid primary key default gen_random_uuid(),
      operator    text not null,
      action      text not null,
      target      text not null,
      choices     jsonb not null default '{}' check (jsonb_typeof(choices) = 'object'),
      started_at  timestamptz not null default now(),
      counts      jsonb check (jsonb_typeof(counts) = 'object'),
      finished_at timestamptz
    );
    create index operator_actions_target_index on operator_actions (target, started_at);
  `)
}
