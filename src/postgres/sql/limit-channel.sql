-- Limits the calls under way of each sender of a channel's lanes. The last word holds.
--
-- $1 channel   $2 lanes   $3 calls   $4 ms after which it is over   $5 who says so   $6 reason
insert into channel_limits (channel, lane, concurrency, limited_until, limited_by, reason)
select $1::channel, lane, $3::integer, now() + $4::bigint * interval '1 millisecond', $5::text, $6::text
from unnest($2::lane[]) as lane
order by lane
on conflict (channel, lane) do update
set
  concurrency = excluded.concurrency,
  limited_at = now(),
  limited_until = excluded.limited_until,
  limited_by = excluded.limited_by,
  reason = excluded.reason
returning channel, lane, concurrency, limited_at, limited_until, limited_by, reason
