-- Pauses lanes of a channel. One that is paused already stays so since then; the last word says why and until when.
--
-- $1 channel   $2 lanes   $3 ms after which it goes on by itself, or null   $4 who says so   $5 reason
insert into channel_pauses as pause (channel, lane, paused_until, paused_by, reason)
select $1::channel, lane, now() + $3::bigint * interval '1 millisecond', $4::text, $5::text
from unnest($2::lane[]) as lane
order by lane
on conflict (channel, lane) do update
set
  paused_at = case when pause.paused_until <= now() then now() else pause.paused_at end,
  paused_until = excluded.paused_until,
  paused_by = excluded.paused_by,
  reason = excluded.reason
returning channel, lane, paused_at, paused_until, paused_by, reason
