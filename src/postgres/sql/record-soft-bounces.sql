-- Notes soft bounces, each report once.
--
-- $1 address hashes   $2 channels   $3 feedback ids   $4 moments
insert into soft_bounces (address_hash, channel, feedback_id, occurred_at)
select address_hash, channel, feedback_id, occurred_at
from unnest($1::bytea[], $2::varchar[], $3::text[], $4::timestamptz[])
  as bounced(address_hash, channel, feedback_id, occurred_at)
order by address_hash, channel, feedback_id
on conflict do nothing
