-- Puts addresses on the suppression list; of a cause that is there already the later moment stays.
--
-- $1 channels   $2 address hashes   $3 scopes   $4 causes   $5 since
insert into suppressions (channel, address_hash, scope, reason, created_at)
select channel, address_hash, scope, cause, since
from unnest($1::varchar[], $2::bytea[], $3::text[], $4::text[], $5::timestamptz[])
  as suppressed(channel, address_hash, scope, cause, since)
order by address_hash, channel, scope, cause
on conflict (address_hash, channel, scope, reason) do update
  set created_at = excluded.created_at
  where suppressions.created_at < excluded.created_at
