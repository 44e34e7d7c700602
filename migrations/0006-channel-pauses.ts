/**
 * Channels that an operator has paused. A row is a pause: a channel and lane without one is open, and so is one whose
 * `paused_until` is over. Senders read the table every second; who paused and resumed is in operator_actions as well.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table channel_pauses (
      channel      channel not null,
      lane         lane not null,
      paused_at    timestamptz not null default now(),
      paused_until timestamptz check (paused_until > paused_at),
      paused_by    text not null,
      reason       text not null check (reason <> ''),
      primary key (channel, lane)
    )
  `)
}
