/**
 * How many calls at once each sender of a channel and lane may have under way, where an operator says otherwise than its
 * configuration. A row holds until `limited_until`; senders read the table every second. Who set it is in
 * operator_actions as well.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table channel_limits (
      channel       channel not null,
      lane          lane not null,
      concurrency   integer not null check (concurrency between 1 and 10000),
      limited_at    timestamptz not null default now(),
      limited_until timestamptz not null check (limited_until > limited_at),
      limited_by    text not null,
      reason        text not null check (reason <> ''),
      primary key (channel, lane)
    )
  `)
}
