-- Suppresses those of some addresses that bounced softly too often within a window. Bounces may come late, so every
-- window that holds one of those given is counted. A statement after the one that notes them, whose rows that one could
-- not see.
--
-- $1 address hashes   $2 channels   $3 moments   $4 window in ms   $5 so many are too often
insert into suppressions (channel, address_hash, scope, reason, created_at)
select given.channel, given.address_hash, 'all', 'soft_bounces', max(last.occurred_at)
from unnest($1::bytea[], $2::varchar[], $3::timestamptz[]) as given(address_hash, channel, occurred_at)
join soft_bounces as last
  on last.address_hash = given.address_hash
  and last.channel = given.channel
  and last.occurred_at >= given.occurred_at
  and last.occurred_at < given.occurred_at + $4::bigint * interval '1 millisecond'
where (
  select count(*)
  from soft_bounces as counted
  where counted.address_hash = last.address_hash
    and counted.channel = last.channel
    and counted.occurred_at <= last.occurred_at
    and counted.occurred_at > last.occurred_at - $4::bigint * interval '1 millisecond'
) >= $5::integer
group by given.channel, given.address_hash
order by given.address_hash, given.channel
on conflict (address_hash, channel, scope, reason) do nothing
